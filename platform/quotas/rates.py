"""How often may a tenant, and each of its keys, ask? So often in a minute, at any pace within it.

Without the store nobody is refused here: what the database counts, waiting jobs and quotas, holds all the same.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from quotas import buckets
from quotas.buckets import Bucket, Level
from quotas.durations import duration
from quotas.limits import EffectiveLimits, limits_of
from quotas.refusals import OPERATOR, Excess
from tenants.callers import Caller
from wire.errors import ApiError

SECOND = 1_000_000  # microseconds

NAME = "requests_per_minute"
WHO = {"tenant": "Your tenant", "key": "This key"}
MORE = {"tenant": OPERATOR, "key": "Come with another key of your tenant's"}
# Nobody's patience helps: OpenAI's clients would ask twice more.
FINAL = {"retry_after": "3600", "x_should_retry": "false"}


class RateLimit(BaseThrottle):
    """Counts every request to an API view; a request that was done before is told how things stand, and costs none.

    A view whose `shown_on_pages` is true counts programs alone: a page of the dashboard, which costs nothing, asks for
    dozens of pictures at once.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True, or raise ApiError."""
        caller = request.user
        if isinstance(caller, Caller) and (caller.key or not getattr(view, "shown_on_pages", False)):
            http: Any = request._request
            count(http, caller, cost=0 if getattr(http, "is_replay", False) else 1)
        return True


def count(request: HttpRequest, caller: Caller, *, cost: int = 1) -> None:
    """Count a request of this caller's, and put into its `limit_headers` how things stand. Raises ApiError when its
    tenant, or its key, has asked too often."""
    limited = _buckets_of(caller)
    for bucket in limited:
        if bucket.per_minute == 0:
            message = f"{WHO[bucket.whose]} may make no requests{_plan(bucket, caller)}. {MORE[bucket.whose]}."
            raise _refusal(message, Excess(NAME, 0, 0, cost), None, **FINAL)
    taken = buckets.store().take(limited, cost) if limited else None
    if taken is None:
        return
    http: Any = request
    http.limit_headers = getattr(http, "limit_headers", {}) | headers_of(taken.levels)
    if not taken.is_allowed:
        raise _too_often(max(taken.levels, key=lambda level: level.wait(cost)), cost, caller)


def _buckets_of(caller: Caller) -> list[Bucket]:
    """Return what this caller's requests are taken from. Its names share the braces that keep them on one shard."""
    name = f"rate:{{{caller.tenant.pk}}}"
    limits = [(name, "tenant", _limits_of(caller).requests_per_minute)]
    if caller.key is not None:
        limits.append((f"{name}:{caller.key.pk}", "key", caller.key.requests_per_minute))
    return [Bucket(name, whose, per_minute) for name, whose, per_minute in limits if per_minute is not None]


def _limits_of(caller: Caller) -> EffectiveLimits:
    return _known_limits(caller.tenant.pk, _moment())


@lru_cache(maxsize=10_000)
def _known_limits(tenant_id: str, moment: int) -> EffectiveLimits:
    """Return what holds for a tenant, looked up once in a moment."""
    return limits_of(tenant_id)


def _moment() -> int:
    """Return the number of the moment in which a limit is known without asking again."""
    return time.monotonic_ns() // max(settings.LIMITS_KNOWN_SECONDS * 1_000_000_000, 1)


def headers_of(levels: Sequence[Level]) -> dict[str, str]:
    """Return how things stand: of the scarcest bucket in OpenAI's words, of each in the IETF's
    (draft-ietf-httpapi-ratelimit-headers-09)."""
    scarcest = min(levels, key=lambda level: level.remaining)
    return {
        "x-ratelimit-limit-requests": str(scarcest.bucket.per_minute),
        "x-ratelimit-remaining-requests": str(scarcest.remaining),
        "x-ratelimit-reset-requests": duration(_seconds(scarcest.missing)),
        "RateLimit-Policy": ", ".join(f'"{whose}";q={most};w=60' for (_, whose, most), _ in levels),
        "RateLimit": ", ".join(
            f'"{level.bucket.whose}";r={level.remaining};t={_seconds(level.missing)}' for level in levels
        ),
    }


def _seconds(microseconds: int) -> int:
    """Return the whole seconds after which so much time has surely gone by."""
    return -(-microseconds // SECOND)


def _too_often(level: Level, cost: int, caller: Caller) -> ApiError:
    bucket, seconds = level.bucket, max(1, _seconds(level.wait(cost)))
    often = f"{bucket.per_minute:,} requests a minute{_plan(bucket, caller)}"
    message = f"{WHO[bucket.whose]} may make {often}. Ask again in {seconds} s."
    resets_at = timezone.now() + timedelta(seconds=seconds)
    excess = Excess(NAME, bucket.per_minute, bucket.per_minute - level.remaining, cost)
    return _refusal(message, excess, resets_at, retry_after=str(seconds))


def _plan(bucket: Bucket, caller: Caller) -> str:
    """Return which plan says so, of a tenant's limit."""
    return f" (plan {_limits_of(caller).plan})" if bucket.whose == "tenant" else ""


def _refusal(message: str, excess: Excess, resets_at: datetime | None, **headers: str) -> ApiError:
    told = excess.facts | {"resets_at": f"{resets_at:%Y-%m-%dT%H:%M:%SZ}" if resets_at else None}
    return ApiError(429, "rate_limit_exceeded", message, limit=told, **headers)
