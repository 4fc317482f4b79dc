"""Who did what? One row for each act that an owner may want to look up later."""

from typing import Any

from tenants.models import AuditEvent, Tenant


def record(
    action: str,
    *,
    tenant: Tenant | str | None,
    actor: str,
    subject: str = "",
    detail: dict[str, Any] | None = None,
    address: str = "",
) -> None:
    """Write down an act, in the transaction in which it happens."""
    tenant_id = tenant.pk if isinstance(tenant, Tenant) else tenant
    AuditEvent.objects.create(
        tenant_id=tenant_id, actor=actor, action=action, subject=subject, detail=detail or {}, address=address
    )
