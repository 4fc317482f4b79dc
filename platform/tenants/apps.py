"""Registers the app with Django."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from tenants.row_security import confine, secure


class TenantsConfig(AppConfig):
    """Tenants, members and API keys."""

    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Keep tenants apart in the database as well: on every connection, in every table."""
        connection_created.connect(confine)
        post_migrate.connect(secure, sender=self)
