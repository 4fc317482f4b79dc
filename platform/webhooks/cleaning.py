"""What of messages is kept, and for how long? A month, so that somebody can look back and send again."""

from datetime import timedelta

from django.db.models.functions import Now

from webhooks.models import Message, Secret

KEPT = timedelta(days=30)


def remove_old() -> None:
    """Forget old messages with their deliveries, and secrets that sign nothing any more."""
    Message.objects.filter(created_at__lt=Now() - KEPT).delete()
    Secret.objects.filter(retires_at__lt=Now()).delete()
