"""How do DRF's views learn who is asking? Through `caller(request)`, whose tenant owns all they may see."""

from typing import Any, cast

from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.callers import Caller, caller_of


class CallerAuthentication(SessionAuthentication):
    """Authenticates by API key, or by the dashboard's session with its CSRF token."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """Return the caller. Raises ApiError."""
        caller = caller_of(request._request)
        if caller.key is None:
            self.enforce_csrf(request)
        return caller, None


def caller(request: Request) -> Caller:
    """Return who is asking, as a DRF view knows it."""
    return cast(Caller, request.user)


class HasScope(BasePermission):
    """Lets a caller through who has the scope that the view's `scopes` name for this method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise ApiError naming the scope."""
        needed: dict[str, str] = getattr(view, "scopes", {})
        caller(request).require(needed[request.method or "GET"] if request.method in needed else "read")
        return True
