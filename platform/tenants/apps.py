"""Registers the app with Django."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Tenants, members and API keys."""

    name = "tenants"
    verbose_name = "Tenants"
