"""Django's name for this room."""

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    """Plans, limits and the ledger."""

    name = "quotas"
