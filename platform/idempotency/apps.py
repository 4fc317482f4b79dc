"""Django's name for this room."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    """Requests that were done already."""

    name = "idempotency"
