"""What happens around every request? It gets an id, its trailing slash is forgiven, its answer is not cached."""

import re
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from wire.ids import new_id

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]
API_PATH = re.compile(r"/(api|v1)(/|$)")


class WireMiddleware:
    """Gives each request an id and each API answer its headers; asynchronous like the views that wait."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        if is_api(request) and request.path_info.endswith("/"):
            # api.md 0: a trailing slash is answered, not redirected (a redirect would drop a POST's body).
            request.path_info = request.path_info.rstrip("/")
        response = await self.get_response(request)
        response["X-Request-Id"] = new_id("req")
        if is_api(request):
            for name, value in getattr(request, "limit_headers", {}).items():
                response[name] = value
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


def is_api(request: HttpRequest) -> bool:
    """Return whether a program, not a person, is asking."""
    return API_PATH.match(request.path_info) is not None
