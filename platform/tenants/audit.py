"""Who did what? One row for each act that an owner may want to look up later.

From which address, nobody needs to say: `tenants.middleware.AddressMiddleware` notes that of the request in which it
happens, and `record` looks there. What happens outside requests has none.
"""

from contextvars import ContextVar
from typing import Any

from tenants.models import AuditEvent, Tenant

ADDRESS: ContextVar[str] = ContextVar("address", default="")


def record(
    action: str,
    *,
    tenant: Tenant | str | None,
    actor: str,
    subject: str = "",
    detail: dict[str, Any] | None = None,
    address: str | None = None,
) -> None:
    """Write down an act, in the transaction in which it happens."""
    tenant_id = tenant.pk if isinstance(tenant, Tenant) else tenant
    AuditEvent.objects.create(
        tenant_id=tenant_id,
        actor=actor[:254],
        action=action,
        subject=subject[:254],
        detail=detail or {},
        address=ADDRESS.get() if address is None else address,
    )
