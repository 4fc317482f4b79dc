"""What do all web processes remember together for minutes? How often somebody tried, and which codes were used."""

from django.db import models


class CacheEntry(models.Model):
    """A row of Django's cache in the database: the columns are those that `createcachetable` would make."""

    cache_key = models.CharField(primary_key=True, max_length=255)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "cache"

    def __str__(self) -> str:
        return self.cache_key
