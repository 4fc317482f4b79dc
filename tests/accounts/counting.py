"""How often was a password hashed?"""

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    """Counts."""

    count = 0

    def encode(self, password, salt):
        """Hash once more."""
        CountingHasher.count += 1
        return super().encode(password, salt)
