"""Who did what? One row for each act that an owner may want to look up later.

The rows of a tenant are a chain: each is sealed with the SHA-256 of the digest before it and of itself, so that a
changed or missing one shows (`tenants.invariants`). `record` holds the chain's end until the transaction is over: call
it last, when nothing else is left to be locked.

From which address, nobody needs to say: `tenants.addresses.AddressMiddleware` notes that of the request in which it
happens, and `record` looks there. What happens outside requests has none.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC
from typing import Any

from django.db import transaction
from django.db.models import Q

from tenants.isolation import for_everybody
from tenants.models import AuditChain, AuditEvent, Tenant
from tenants.ownership import OwnedQuerySet
from wire.errors import ApiError

ADDRESS: ContextVar[str] = ContextVar("address", default="")
MOST_TEXT, MOST_ADDRESS = 254, 45


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
    record_for([tenant_id], action, actor=actor, subject=subject, detail=detail, address=address)


def record_for(
    tenants: Iterable[str | None],
    action: str,
    *,
    actor: str,
    subject: str = "",
    detail: dict[str, Any] | None = None,
    address: str | None = None,
) -> None:
    """Write down an act that concerns each of these tenants, by id; the same few queries however many they are."""
    whence = ADDRESS.get() if address is None else address
    with for_everybody(), transaction.atomic():  # a failed sign-in speaks for nobody yet
        chains = _held({tenant_id or "": tenant_id for tenant_id in tenants})
        events = [
            AuditEvent(
                tenant_id=chain.tenant_id,
                actor=actor[:MOST_TEXT],
                action=action,
                subject=subject[:MOST_TEXT],
                detail=_plain(detail or {}),
                address=whence[:MOST_ADDRESS],
            )
            for chain in chains
        ]
        for chain, event in zip(chains, events, strict=True):
            chain.number = event.number = chain.number + 1
            chain.digest = event.digest = seal(event, chain.digest)
        AuditEvent.objects.bulk_create(events)
        AuditChain.objects.bulk_update(chains, ["number", "digest"])


def seal(event: AuditEvent, before: str) -> str:
    """Return the digest of an event that follows the one with the digest `before`."""
    said = [
        before,
        event.number,
        event.pk,
        event.tenant_id,
        event.at.astimezone(UTC).isoformat(),
        event.actor,
        event.action,
        event.subject,
        event.detail,
        event.address,
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def events_of(tenant: Tenant, asked: Mapping[str, str]) -> OwnedQuerySet:
    """Return what was done in a tenant: by this `actor`, and only this `action`, or with a dot at its end all of its
    kind. Raises ApiError."""
    found = AuditEvent.objects.for_tenant(tenant)
    for name in ("action", "actor"):
        text = asked.get(name, "")
        if "\0" in text or len(text) > MOST_TEXT:
            message = f"{name} may have {MOST_TEXT} characters, and no NUL among them."
            raise ApiError(400, "invalid_value", message, param=name)
        if text:
            is_kind = name == "action" and text.endswith(".")
            found = found.filter(**{"action__startswith" if is_kind else name: text})
    return found


def _held(owners: dict[str, str | None]) -> list[AuditChain]:
    """Return the ends of these chains, held until the transaction is over; always in one order, so that no two
    transactions wait for each other."""
    wanted = Q(owner__in=owners)
    ends = AuditChain.objects.select_for_update().order_by("owner")
    found = list(ends.filter(wanted))
    if missing := owners.keys() - {chain.owner for chain in found}:
        fresh = [AuditChain(owner=owner, tenant_id=owners[owner]) for owner in sorted(missing)]
        AuditChain.objects.bulk_create(fresh, ignore_conflicts=True)
        found = list(ends.filter(wanted))
    return found


def _plain(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the detail as every database gives it back: PostgreSQL makes 1e3 a whole number, and 1.0 may stay."""
    return dict(json.loads(json.dumps(detail, default=str), parse_float=_number))


def _number(digits: str) -> int | float:
    return int(number) if (number := float(digits)).is_integer() else number
