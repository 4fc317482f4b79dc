"""Who belongs to a tenant: roles, invitations, ownership."""
