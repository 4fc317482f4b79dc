"""The native API's doors to limits and storage: how does the tenant stand, and what takes the most room?"""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from quotas import storage
from quotas.headers import headers_of
from quotas.limits import limits_for
from quotas.standing import Standing, standings
from tenants.authentication import caller

LARGEST = 20


class Limits(APIView):
    """What the tenant may use."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return each limit with what is used, reserved and left of it, and when it begins anew; null is no limit."""
        who = caller(request)
        told = [_as_json(standing) for standing in standings(who.tenant)]
        http: Any = request._request
        http.limit_headers = getattr(http, "limit_headers", {}) | headers_of(who)
        facts = {"plan": limits_for(who).plan, "time_zone": who.tenant.time_zone}
        return Response({"object": "limits", **facts, "limits": told})


def _as_json(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.name,
        "limit": standing.limit,
        "used": standing.used,
        "reserved": standing.reserved,
        "remaining": standing.remaining,
        "resets_at": f"{standing.period.ends_at:%Y-%m-%dT%H:%M:%SZ}" if standing.period else None,
    }


class StorageUsage(APIView):
    """What the tenant keeps here."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return how much of which kind is kept, and the largest files: delete some of them when there is no room."""
        tenant = caller(request).tenant
        used, limit = storage.used_bytes(tenant), limits_for(caller(request)).storage_bytes
        largest = [
            {"object": kept.kind, "id": kept.id, "size_bytes": kept.size_bytes, "url": kept.address or None}
            for kept in storage.largest(tenant, LARGEST)
        ]
        remaining = None if limit is None else max(0, limit - used)
        facts = {"used_bytes": used, "limit_bytes": limit, "remaining_bytes": remaining}
        return Response({"object": "storage", **facts, "bytes_by_kind": storage.kinds(tenant), "largest": largest})
