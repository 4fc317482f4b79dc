"""Who pays and owns: tenants, their members, their API keys."""
