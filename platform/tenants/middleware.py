"""For whom does a request speak? For nobody at first, for its caller's tenant later, for everybody in the console."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest

from tenants.isolation import EVERYBODY, NOBODY, speak_for, speaking_for
from wire.errors import OUT_OF_REACH

GetResponse = Callable[[HttpRequest], Awaitable[Any]]


class IsolationMiddleware:
    """Lets each request begin as nobody's, and whatever runs it after that speak as before."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        """Answer the request."""
        before = speaking_for()
        speak_for(NOBODY)
        try:
            response = await self.get_response(request)
        except BaseException:
            speak_for(before)
            raise
        if response.streaming:  # goes on as its caller until it is closed
            response._resource_closers.append(partial(speak_for, before))
        else:
            speak_for(before)
        return response

    async def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Let operators see all tenants' rows in the console, and nobody else anywhere."""
        match = request.resolver_match
        if match is not None and "admin" in match.app_names and await sync_to_async(_is_operator)(request):
            speak_for(EVERYBODY)


def _is_operator(request: HttpRequest) -> bool:
    with suppress(*OUT_OF_REACH):  # the page meets the same, and says so
        return request.user.is_staff and request.user.is_active
    return False
