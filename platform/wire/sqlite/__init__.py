"""SQLite for many threads: a database backend of Django's by its package's name."""
