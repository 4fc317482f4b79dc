"""How often may a tenant, and each of its keys, ask? So often in a minute, at any pace within it.

Without the store nobody is refused here: what the database counts, waiting jobs and quotas, holds all the same.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from quotas import buckets
from quotas.buckets import Bucket, Level
from quotas.durations import duration
from quotas.limits import limits_of
from tenants.callers import Caller
from wire.errors import ApiError

SECOND = 1_000_000  # microseconds

WHO = {"tenant": "Your tenant", "key": "This key"}
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
            raise ApiError(429, "rate_limit_exceeded", f"{WHO[bucket.whose]} may make no requests.", **FINAL)
    taken = buckets.store().take(limited, cost) if limited else None
    if taken is None:
        return
    http: Any = request
    http.limit_headers = getattr(http, "limit_headers", {}) | headers_of(taken.levels)
    if not taken.is_allowed:
        raise _refusal(max(taken.levels, key=lambda level: level.wait(cost)), cost)


def _buckets_of(caller: Caller) -> list[Bucket]:
    """Return what this caller's requests are taken from. Its names share the braces that keep them on one shard."""
    name = f"rate:{{{caller.tenant.pk}}}"
    limits = [(name, "tenant", _per_minute(caller.tenant.pk, _moment()))]
    if caller.key is not None:
        limits.append((f"{name}:{caller.key.pk}", "key", caller.key.requests_per_minute))
    return [Bucket(name, whose, per_minute) for name, whose, per_minute in limits if per_minute is not None]


@lru_cache(maxsize=10_000)
def _per_minute(tenant_id: str, moment: int) -> int | None:
    """Return how often a tenant may ask, None for as often as it likes; looked up once in a moment."""
    return limits_of(tenant_id).requests_per_minute


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


def _refusal(level: Level, cost: int) -> ApiError:
    seconds = max(1, _seconds(level.wait(cost)))
    message = (
        f"{WHO[level.bucket.whose]} may make {level.bucket.per_minute} requests a minute. Ask again in {seconds} s."
    )
    return ApiError(429, "rate_limit_exceeded", message, retry_after=str(seconds))
