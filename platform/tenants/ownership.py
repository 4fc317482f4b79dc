"""How does a row belong to a tenant? Through one column, and one way to ask for it."""

from typing import Any, Self

from django.db import models


class OwnedQuerySet(models.QuerySet[Any]):
    """Rows that belong to tenants."""

    def for_tenant(self, tenant: models.Model | str) -> Self:
        """Return this tenant's rows alone; the tenant or its id."""
        return self.filter(tenant=tenant)


class TenantOwned(models.Model):
    """A row of one tenant. Doors ask `.objects.for_tenant(tenant)`; bare `.objects` is for the worker and the admin."""

    tenant = models.ForeignKey("tenants.Tenant", models.CASCADE)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True
