"""The verbs on API keys: make one, change it, let another take its place, revoke it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants.api_keys.limits import KINDS, check_limit, check_within
from tenants.audit import record
from tenants.callers import Caller
from tenants.models import ApiKey, Tenant
from tenants.services import issue, revoke_key
from wire.errors import ApiError
from wire.finding import named
from wire.ids import new_id

DAY_SECONDS = 86_400
OVERLAP_SECONDS, MOST_OVERLAP_SECONDS = DAY_SECONDS, 7 * DAY_SECONDS


@dataclass(frozen=True)
class KeyTerms:
    """What a new key may do, and until when."""

    name: str
    scopes: list[str]
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    checkpoints: list[str] | None = None
    loras: list[str] | None = None


def find_key(tenant: Tenant, key_id: str) -> ApiKey:
    """Return this tenant's key. Raises ApiError: another's looks like none."""
    return named(ApiKey.objects.for_tenant(tenant).select_related("created_by"), key_id, "key")


def make_key(caller: Caller, terms: KeyTerms, *, id: str = "") -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which nobody can read again. Raises ApiError where it could do more
    than its maker, and IntegrityError where there is one with the given id already."""
    key = ApiKey(id=id or new_id("key"), tenant=caller.tenant, created_by=caller.user, **vars(terms))
    _check_scopes(caller, key)
    for kind in KINDS:
        check_limit(kind, caller, getattr(key, kind))
    _check_future(key.expires_at)
    with transaction.atomic():
        secret = issue(key)
        record("key.issued", tenant=caller.tenant, actor=caller.actor, subject=key.pk, detail=facts(key))
    return key, secret


def change_key(caller: Caller, key: ApiKey, changes: Mapping[str, Any]) -> ApiKey:
    """Change a key's name, expiry or limits. Raises ApiError, also where it could do more than the caller."""
    for kind in KINDS:
        if kind in changes:
            check_limit(kind, caller, changes[kind])
    _check_future(changes.get("expires_at"))
    with transaction.atomic():
        _held(key)
        if changes:
            ApiKey.objects.for_tenant(caller.tenant).filter(pk=key.pk).update(**changes)
            record("key.changed", tenant=caller.tenant, actor=caller.actor, subject=key.pk, detail=dict(changes))
    return find_key(caller.tenant, key.pk)


def rotate_key(
    caller: Caller, key: ApiKey, *, overlap_seconds: int = OVERLAP_SECONDS, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Let a new key take this one's place, with the same rights; return it with its secret.

    The old one goes on for the overlap, so that programs can be changed one by one. The new one lives as long as the
    old one was to live, unless `expires_at` says otherwise. Raises ApiError.
    """
    _check_future(expires_at)
    with transaction.atomic():
        old, now = _held(key), timezone.now()
        _check_scopes(caller, old)
        for kind in KINDS:
            check_within(kind, caller, getattr(old, kind))
        _check_not_replaced(old)
        lifetime = old.expires_at - old.created_at if old.expires_at else None
        expiry = expires_at or (now + lifetime if lifetime else None)
        new = _successor(caller, old, expiry)
        secret = issue(new)
        end = min(filter(None, [old.expires_at, now + timedelta(seconds=overlap_seconds)]))
        old.expires_at = end
        old.save(update_fields=["expires_at"])
        detail = {"new": new.pk, "prefix": new.prefix, "old_expires_at": end}
        record("key.rotated", tenant=caller.tenant, actor=caller.actor, subject=old.pk, detail=detail)
    return new, secret


def revoke(caller: Caller, key: ApiKey) -> None:
    """Refuse this key from now on, as whoever asks wants it."""
    revoke_key(key, actor=caller.actor)


def facts(key: ApiKey) -> dict[str, Any]:
    """Return what the audit says of a key: never its secret."""
    limits = {kind: limit for kind in KINDS if (limit := getattr(key, kind)) is not None}
    return {"name": key.name, "prefix": key.prefix, "scopes": key.scopes, "expires_at": key.expires_at} | limits


def _held(key: ApiKey) -> ApiKey:
    """Return the key as it is now, held until the transaction is over. Raises ApiError when it has ended."""
    held: ApiKey = ApiKey.objects.for_tenant(key.tenant_id).select_for_update().get(pk=key.pk)
    if held.status != ApiKey.Status.ACTIVE:
        ended = "was revoked" if held.revoked_at else "has expired"
        message = f"This key {ended}. Make a new one."
        raise ApiError(409, "key_not_active", message, x_should_retry="false")
    return held


def _successor(caller: Caller, old: ApiKey, expires_at: datetime | None) -> ApiKey:
    same = ("tenant", "name", "scopes", "checkpoints", "loras", "requests_per_minute")
    rights = {name: getattr(old, name) for name in same}
    return ApiKey(created_by=caller.user, replaces=old, expires_at=expires_at, **rights)


def _check_not_replaced(old: ApiKey) -> None:
    successor = ApiKey.objects.for_tenant(old.tenant_id).filter(replaces=old, revoked_at=None).first()
    if successor:
        message = f"{successor.pk} has taken this key's place already. Rotate that one, or revoke it first."
        raise ApiError(409, "key_already_rotated", message, x_should_retry="false")


def _check_scopes(caller: Caller, key: ApiKey) -> None:
    """Raise ApiError where the key may do what the caller may not: its secret would be a way around that."""
    lacking = [scope for scope in key.scopes if scope not in caller.scopes]
    if lacking:
        message = (
            f"You may not give a key the scope {lacking[0]!r}, which you lack. You have: {', '.join(caller.scopes)}."
        )
        raise ApiError(403, "insufficient_scope", message, param="scopes")


def _check_future(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        message = "expires_at must be in the future. To end a key now, revoke it."
        raise ApiError(400, "invalid_value", message, param="expires_at")
