"""What is remembered of endpoints, of what they are to hear, and of each attempt to tell them?"""

from datetime import datetime
from functools import partial

from django.db import models
from django.utils import timezone

from tenants.ownership import TenantOwned
from wire.ids import new_id


class Endpoint(TenantOwned):
    """An address of a tenant's that hears of what happens."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "whk"), editable=False)
    url = models.CharField("address", max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list, help_text="Which types it hears of; empty: all.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, editable=False, help_text="Nothing has got through since then.")
    rests_until = models.DateTimeField(null=True, editable=False, help_text="When its sender will try again at all.")

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="endpoint_newest")]

    def __str__(self) -> str:
        return self.url

    def wants(self, event: str) -> bool:
        """Return whether it hears of events of this type."""
        return not self.events or event in self.events


class Secret(TenantOwned):
    """With what an endpoint's messages are signed; without an endpoint, those to the addresses that requests name.

    Two are live while one is being replaced.
    """

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, null=True, related_name="secrets")
    secret = models.CharField(max_length=100, help_text="whsec_ and 24 to 64 bytes in base64.")
    created_at = models.DateTimeField(default=timezone.now)
    retires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"secret {self.pk}"


class Message(TenantOwned):
    """Something that happened, written down in the transaction in which it did: the outbox."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "msg"), editable=False)
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=40, help_text="The id of what it is about.")
    created_at = models.DateTimeField(default=timezone.now)
    body = models.TextField(blank=True, help_text="As it was first sent: later attempts send the same.")

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="message_by_age")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class Delivery(TenantOwned):
    """One message on its way to one address."""

    class State(models.TextChoices):
        """How far it is."""

        PENDING = "pending"
        DELIVERED = "delivered"
        DEAD = "dead"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "dlv"), editable=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, null=True, related_name="deliveries")
    url = models.CharField(max_length=2000)
    lane = models.CharField(
        max_length=300, default="", help_text="What is slow or dead together: an endpoint, or a server."
    )
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0, help_text="Rises as each begins: the fencing token.")
    due_at = models.DateTimeField(default=timezone.now, help_text="While it is tried, when somebody else may try.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["state", "due_at"], name="delivery_due"),
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
            models.Index(fields=["tenant", "-id"], name="delivery_newest"),
            models.Index(fields=["tenant", "state", "-id"], name="delivery_by_state"),
        ]

    def __str__(self) -> str:
        return self.pk

    @property
    def next_at(self) -> datetime:
        """Return before when it is not tried again: a receiver that fails again and again rests meanwhile."""
        rests_until = self.endpoint.rests_until if self.endpoint else None
        return max(self.due_at, rests_until or self.due_at)


class DeliveryAttempt(TenantOwned):
    """How one attempt at a delivery went; nothing of what the receiver said but its status."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="log")
    at = models.DateTimeField(default=timezone.now)
    status = models.PositiveIntegerField(null=True, help_text="HTTP's; empty: there was no answer.")
    error = models.CharField(max_length=200, blank=True)
    seconds = models.FloatField(default=0.0)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.status}"
