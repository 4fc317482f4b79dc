"""What do answers to requests that create something say of the limits? OpenAI's headers, a set for each kind."""

import math
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from quotas.durations import duration
from quotas.limits import limits_for
from quotas.standing import Standing, running, spending, spent_of
from tenants.callers import Caller

KINDS = {
    "images": ("images_per_day", "images_per_month"),
    "gpu-seconds": ("gpu_seconds_per_day", "gpu_seconds_per_month"),
}


class ShowsLimits(APIView):
    """A view whose answers to POSTs say how the tenant's limits stand: two queries more, if the limits are known.

    Its refusals say it too.
    """

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Leave the headers with the request, whose answer may yet be another one's."""
        caller = getattr(request, "_user", None)  # asking for `user` would let in again whom nobody let in
        if request.method == "POST" and isinstance(caller, Caller) and response.status_code < 500:
            http: Any = request._request
            http.limit_headers = getattr(http, "limit_headers", {}) | headers_of(caller)
        return super().finalize_response(request, response, *args, **kwargs)


def headers_of(caller: Caller, *, now: datetime | None = None) -> dict[str, str]:
    """Return how the limits of the caller's tenant stand; of a day and a month, the one of which less is left."""
    now = now or timezone.now()
    limits, spent = limits_for(caller), spending(caller.tenant, now)
    headers: dict[str, str] = {}
    for kind, names in KINDS.items():
        limited = [standing for name in names if (standing := spent_of(name, limits, spent)).limit is not None]
        if limited:
            headers |= _of(kind, min(limited, key=lambda standing: standing.remaining or 0), now)
    if limits.running_jobs is not None:
        headers |= _of("concurrent", Standing("running_jobs", limits.running_jobs, running(caller.tenant)), now)
    return headers


def _of(kind: str, standing: Standing, now: datetime) -> dict[str, str]:
    headers = {
        f"x-ratelimit-limit-{kind}": str(standing.limit),
        f"x-ratelimit-remaining-{kind}": str(math.floor(standing.remaining or 0)),
    }
    if standing.period is None:
        return headers
    return headers | {f"x-ratelimit-reset-{kind}": duration((standing.period.ends_at - now).total_seconds())}
