"""Django's name for this room."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Signed messages to addresses of tenants."""

    name = "webhooks"
