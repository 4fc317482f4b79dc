"""A tenant's API keys: which there are, what each may do, and how one takes another's place."""
