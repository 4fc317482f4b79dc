"""What is remembered of a request that must not be done twice?"""

from django.db import models
from django.utils import timezone

from tenants.ownership import TenantOwned


class KeptRequest(TenantOwned):
    """A request that is known when it comes again, kept with its answer, or with the job that it made.

    By its Idempotency-Key for a day; without one, from a client that says when it retries, for as long as it may.
    """

    route = models.CharField(max_length=200, help_text="Method and path.")
    digest = models.CharField(max_length=64, help_text="Of the Idempotency-Key.")
    body_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, help_text="Until then somebody is doing it; empty: it is done.")
    job_id = models.CharField(max_length=40, blank=True, help_text="Written in the transaction that makes the job.")
    status = models.PositiveIntegerField(null=True)
    headers = models.JSONField(default=dict)
    retries = models.PositiveIntegerField(
        null=True, help_text="How many of a client's own retries have joined it; empty: it came with a key."
    )
    body = models.BinaryField(default=bytes, help_text="Encrypted: an answer may show a secret that nobody else can.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "route", "digest"], name="one_request_per_key")]
        indexes = [models.Index(fields=["expires_at"], name="kept_request_by_expiry")]

    def __str__(self) -> str:
        return f"{self.route} {self.digest[:8]}"
