"""Which of Django's middleware need no thread? Those that only look at headers: here they run where they are met.

Django takes each hook of a synchronous middleware to the request's thread and waits for it there: some fifteen changes
of thread for one answer of the API, each of which costs more than the hook, and waits for the interpreter while other
requests compute. What asks the database after all keeps its thread; what would ask it without one is stopped by Django.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.middleware import clickjacking, common, csrf, security
from django.utils.deprecation import MiddlewareMixin


class Inline(MiddlewareMixin):
    """Middleware whose hooks run in the event loop."""

    async def __acall__(self, request: HttpRequest) -> Any:
        """Answer the request."""
        early = self.process_request(request) if hasattr(self, "process_request") else None
        response = early or await self.get_response(request)  # type: ignore[misc] # asynchronous, as we are
        if not hasattr(self, "process_response"):
            return response
        if self.stores(request):
            return await sync_to_async(self.process_response)(request, response)
        return self.process_response(request, response)

    def stores(self, request: HttpRequest) -> bool:
        """Return whether the hook after the answer asks the database."""
        return False


class SecurityMiddleware(Inline, security.SecurityMiddleware):
    """Redirects to https and sets headers."""


class CommonMiddleware(Inline, common.CommonMiddleware):
    """Refuses hosts that are not ours, and says how long an answer is."""


class AuthenticationMiddleware(Inline, auth.AuthenticationMiddleware):
    """Notes how to find out who is signed in; whoever wants to know asks."""


class XFrameOptionsMiddleware(Inline, clickjacking.XFrameOptionsMiddleware):
    """Keeps pages out of others' frames."""


class SessionMiddleware(Inline, sessions.SessionMiddleware):
    """Keeps the session, if anybody looked into it."""

    def stores(self, request: HttpRequest) -> bool:
        """Return whether anybody looked into the session."""
        return request.session.accessed


class MessageMiddleware(Inline, messages.MessageMiddleware):
    """Keeps messages for the next page, if there are new ones or some were shown."""

    def stores(self, request: HttpRequest) -> bool:
        """Return whether messages were added or shown."""
        found = getattr(request, "_messages", None)
        return found is not None and (found.used or found.added_new)


class CsrfViewMiddleware(Inline, csrf.CsrfViewMiddleware):
    """Refuses forms that come from other sites; whoever comes with a key sends none."""

    async def process_view(  # type: ignore[override] # Django awaits it
        self, request: HttpRequest, callback: Callable[..., Any], *args: Any
    ) -> Any:
        """Look for the token in the form, whose body may be long."""
        if getattr(callback, "csrf_exempt", False):
            return None
        return await sync_to_async(super().process_view)(request, callback, *args)
