"""With what are messages signed? `whsec_` and 32 random bytes; while one is being replaced, with both."""

import base64
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from tenants.models import Tenant
from webhooks.models import Endpoint, Secret
from wire.errors import ApiError

SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)


def mint() -> str:
    """Return a new secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def live_secrets(tenant_id: str, endpoint: Endpoint | None) -> list[Secret]:
    """Return what messages are signed with now, the newest first; without an endpoint: those to requests' addresses."""
    live = Q(retires_at=None) | Q(retires_at__gt=timezone.now())
    return list(_of(tenant_id, endpoint).filter(live).order_by("-pk"))


def add_secret(tenant_id: str, endpoint: Endpoint | None) -> Secret:
    """Make a secret. The one before stays live for a day, so that receivers can learn the new one.

    Raises ApiError meanwhile: a third would take the place of one that a receiver may still know alone.
    """
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant_id)  # two at a time would leave three
        _check_settled(tenant_id, endpoint)
        _of(tenant_id, endpoint).exclude(retires_at=None).delete()
        _of(tenant_id, endpoint).update(retires_at=timezone.now() + OVERLAP)
        return Secret.objects.create(tenant_id=tenant_id, endpoint=endpoint, secret=mint())


def request_secrets(tenant_id: str) -> list[Secret]:
    """Return what messages to the addresses that requests name are signed with; the first is made when it is wanted."""
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant_id)
        return live_secrets(tenant_id, None) or [add_secret(tenant_id, None)]


def _check_settled(tenant_id: str, endpoint: Endpoint | None) -> None:
    """Raise ApiError while a secret is being replaced."""
    until = next((each.retires_at for each in live_secrets(tenant_id, endpoint) if each.retires_at), None)
    if until is not None:
        message = (
            f"This secret was replaced less than a day ago, and a receiver may still know the one before alone. "
            f"It can be replaced again from {until:%Y-%m-%d %H:%M:%S} UTC on."
            + (" If it has leaked, delete the webhook and add it again." if endpoint else "")
        )
        raise ApiError(409, "secret_already_rotated", message, x_should_retry="false")


def _of(tenant_id: str, endpoint: Endpoint | None) -> "QuerySet[Secret]":
    return Secret.objects.for_tenant(tenant_id).filter(endpoint=endpoint)
