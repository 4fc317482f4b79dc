"""What counts as a request? Every one to an API view but those that were done before: their answers cost nothing.

All of them pass here, so this is where what nobody knows is refused too, before anything is done.
"""

from typing import Any

from rest_framework.request import Request

from idempotency.once import prepare
from quotas.rates import RateLimit
from wire.queries import check_query


class Counted(RateLimit):
    """Finds out whether a request was done before, and counts it if not; one that is refused for that counts too."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True, or raise ApiError."""
        try:
            check_query(request, view)
            prepare(request, view)
        finally:
            counted = super().allow_request(request, view)
        return counted
