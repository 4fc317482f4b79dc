"""The verbs of webhooks: add an endpoint, change, silence and delete it, renew its secret, try it, send again."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import audit
from tenants.callers import Caller
from tenants.models import Tenant
from tenants.ownership import OwnedQuerySet
from webhooks.addresses import check_server
from webhooks.events import TEST
from webhooks.models import Delivery, Endpoint, Message, Secret
from webhooks.outbox import address
from webhooks.secrets import add_secret
from wire.errors import ApiError
from wire.finding import named

MAX_ENDPOINTS = 20
BY_OWNER = "Its owner disabled it."


def find_endpoint(tenant: Tenant, endpoint_id: str) -> Endpoint:
    """Return this tenant's endpoint. Raises ApiError: another's looks like none."""
    return named(Endpoint.objects.for_tenant(tenant), endpoint_id, "whk")


def add_endpoint(
    caller: Caller, url: str, *, description: str = "", events: Sequence[str] = ()
) -> tuple[Endpoint, Secret]:
    """Let an address hear of events; return it with the secret that signs its messages. Asks a name server.

    Raises ApiError.
    """
    check_server(url, "url")
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=caller.tenant.pk)  # so that two at a time are counted
        if Endpoint.objects.for_tenant(caller.tenant).count() >= MAX_ENDPOINTS:
            message = f"A tenant may have {MAX_ENDPOINTS} webhooks. Delete one that nobody needs."
            raise ApiError(429, "webhook_limit", message, x_should_retry="false")
        endpoint = Endpoint.objects.create(tenant=caller.tenant, url=url, description=description, events=list(events))
        secret = add_secret(caller.tenant.pk, endpoint)
        _record("webhook.created", caller, endpoint, url=url, events=list(events))
    return endpoint, secret


def change_endpoint(caller: Caller, endpoint: Endpoint, changes: dict[str, Any]) -> None:
    """Change url, description, events, or the status: `enabled` or `disabled`. Raises ApiError."""
    if "url" in changes:
        check_server(changes["url"], "url")
    columns = {name: value for name, value in changes.items() if name != "status"}
    if "url" in changes or changes.get("status") == "enabled":
        columns |= {"failing_since": None, "rests_until": None}  # of what it does now nothing is known
    with transaction.atomic():
        _row(endpoint).update(**columns)
        if "url" in columns:
            _pending(endpoint).update(url=columns["url"])
        if changes.get("status") == "enabled":
            _row(endpoint).update(disabled_at=None, disabled_because="")
        elif changes.get("status") == "disabled":
            _close(endpoint, BY_OWNER)
        if changes:
            _record("webhook.changed", caller, endpoint, **changes)
    endpoint.refresh_from_db()


def disable_endpoint(endpoint: Endpoint, because: str, *, actor: str) -> None:
    """Send an endpoint nothing more until its owner enables it again."""
    with transaction.atomic():
        if _close(endpoint, because):
            detail = {"why": because}
            audit.record("webhook.disabled", tenant=endpoint.tenant_id, actor=actor, subject=endpoint.pk, detail=detail)


def _close(endpoint: Endpoint, because: str) -> bool:
    """Close an endpoint and return whether it was open. What was on its way there ends."""
    now = timezone.now()
    if not _row(endpoint).filter(disabled_at=None).update(disabled_at=now, disabled_because=because):
        return False
    _pending(endpoint).update(state=Delivery.State.DEAD, ended_at=now)
    return True


def _row(endpoint: Endpoint) -> OwnedQuerySet:
    return Endpoint.objects.for_tenant(endpoint.tenant_id).filter(pk=endpoint.pk)


def _pending(endpoint: Endpoint) -> OwnedQuerySet:
    own = Delivery.objects.for_tenant(endpoint.tenant_id).filter(endpoint=endpoint)
    return own.filter(state=Delivery.State.PENDING)


def delete_endpoint(caller: Caller, endpoint: Endpoint) -> None:
    """Forget an endpoint, its secrets and its deliveries."""
    with transaction.atomic():
        _record("webhook.deleted", caller, endpoint, url=endpoint.url)
        endpoint.delete()


def rotate_secret(caller: Caller, endpoint: Endpoint | None) -> Secret:
    """Return a new secret of an endpoint, or of the requests' addresses; the one before signs too for another day."""
    with transaction.atomic():
        secret = add_secret(caller.tenant.pk, endpoint)
        _record("webhook.secret_rotated", caller, endpoint)
    return secret


def send_test(endpoint: Endpoint) -> Delivery:
    """Send an endpoint a message that means nothing. Raises ApiError while it is disabled."""
    if endpoint.disabled_at is not None:
        raise _silenced()
    message = Message(tenant_id=endpoint.tenant_id, type=TEST, subject=endpoint.pk)
    delivery = address(message, endpoint.url, endpoint)
    with transaction.atomic():
        message.save(force_insert=True)
        delivery.save(force_insert=True)
    return delivery


def find_delivery(tenant: Tenant, delivery_id: str, endpoint: Endpoint | None = None) -> Delivery:
    """Return this tenant's delivery, of this endpoint if one is named. Raises ApiError: another's looks like none."""
    owned = Delivery.objects.for_tenant(tenant).select_related("message", "endpoint").prefetch_related("log")
    return named(owned.filter(endpoint=endpoint) if endpoint else owned, delivery_id, "dlv")


def replay(delivery: Delivery) -> None:
    """Send a message again, at once and under the same id. Raises ApiError while its endpoint is disabled."""
    if delivery.endpoint is not None and delivery.endpoint.disabled_at is not None:
        raise _silenced()
    mine = Delivery.objects.for_tenant(delivery.tenant_id).filter(pk=delivery.pk)
    now, pending = timezone.now(), Delivery.State.PENDING
    url = delivery.endpoint.url if delivery.endpoint else delivery.url  # where it listens now
    # One that is tried anyway keeps the count of its attempts; one that has ended begins anew.
    if not mine.filter(state=pending).update(due_at=now):
        mine.exclude(state=pending).update(state=pending, attempts=0, due_at=now, ended_at=None, url=url)
    delivery.refresh_from_db()


def _silenced() -> ApiError:
    message = "This webhook is disabled. Enable it first."
    return ApiError(409, "webhook_disabled", message, x_should_retry="false")


def _record(action: str, caller: Caller, endpoint: Endpoint | None, **detail: Any) -> None:
    subject = endpoint.pk if endpoint else "the requests' addresses"
    audit.record(action, tenant=caller.tenant, actor=caller.actor, subject=subject, detail=detail)
