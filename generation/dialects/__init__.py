"""Other APIs' words for our verbs; each dialect is a thin door to the same services."""
