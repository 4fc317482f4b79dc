"""The verbs of tenancy: open, suspend and resume a tenant, issue and revoke a key."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tenants import keys
from tenants.isolation import for_everybody
from tenants.models import ApiKey, Membership, Tenant, User, every_scope


def open_tenant(name: str, owner: User) -> Tenant:
    """Create a tenant with its first member."""
    with for_everybody(), transaction.atomic():
        tenant = Tenant.objects.create(name=name)
        Membership.objects.create(tenant=tenant, user=owner, role=Membership.Role.OWNER)
    return tenant


def suspend_tenant(tenant: Tenant) -> None:
    """Refuse every request of this tenant from now on."""
    Tenant.objects.filter(pk=tenant.pk, suspended_at=None).update(suspended_at=timezone.now())


def resume_tenant(tenant: Tenant) -> None:
    """Serve this tenant again."""
    Tenant.objects.filter(pk=tenant.pk).update(suspended_at=None)


def issue_key(
    tenant: Tenant, name: str, *, scopes: Sequence[str] | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which nobody can read again."""
    secret = keys.mint()
    key = ApiKey.objects.create(
        tenant=tenant,
        name=name,
        prefix=secret[: keys.SHOWN_LENGTH],
        digest=keys.digest(secret),
        scopes=list(scopes) if scopes is not None else every_scope(),
        expires_at=expires_at,
    )
    return key, secret


def revoke_key(key: ApiKey) -> None:
    """Refuse this key from now on."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
