"""The verbs of tenancy: open, suspend and resume a tenant, issue and revoke a key."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from tenants import keys
from tenants.audit import record
from tenants.isolation import for_everybody
from tenants.models import ApiKey, Membership, Tenant, User, every_scope

ITSELF = "the server"  # who acts where no person and no key does


def open_tenant(name: str, owner: User) -> Tenant:
    """Create a tenant with its first member."""
    with for_everybody(), transaction.atomic():
        tenant = Tenant.objects.create(name=name)
        Membership.objects.create(tenant=tenant, user=owner, role=Membership.Role.OWNER)
    return tenant


def suspend_tenant(tenant: Tenant, *, actor: str = ITSELF) -> None:
    """Refuse every request of this tenant from now on."""
    with transaction.atomic():
        if Tenant.objects.filter(pk=tenant.pk, suspended_at=None).update(suspended_at=timezone.now()):
            record("tenant.suspended", tenant=tenant, actor=actor, subject=tenant.pk)


def resume_tenant(tenant: Tenant, *, actor: str = ITSELF) -> None:
    """Serve this tenant again."""
    with transaction.atomic():
        if Tenant.objects.filter(pk=tenant.pk).exclude(suspended_at=None).update(suspended_at=None):
            record("tenant.resumed", tenant=tenant, actor=actor, subject=tenant.pk)


def issue_key(
    tenant: Tenant, name: str, *, scopes: Sequence[str] | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which nobody can read again."""
    wanted = list(scopes) if scopes is not None else every_scope()
    key = ApiKey(tenant=tenant, name=name, scopes=wanted, expires_at=expires_at)
    return key, issue(key)


def issue(key: ApiKey) -> str:
    """Store a new key and return its secret, which nobody can read again."""
    secret = keys.mint()
    key.prefix, key.digest = secret[: keys.SHOWN_LENGTH], keys.digest(secret)
    key.save(force_insert=True)
    return secret


def revoke_key(key: ApiKey, *, actor: str = ITSELF) -> None:
    """Refuse this key from now on."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            detail = {"name": key.name, "prefix": key.prefix}
            record("key.revoked", tenant=key.tenant_id, actor=actor, subject=key.pk, detail=detail)
