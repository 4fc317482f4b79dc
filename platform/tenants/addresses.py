"""From which address does a request come? The audit wants to know, and no service is told."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from tenants.audit import ADDRESS

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]


class AddressMiddleware:
    """Notes the address for as long as the request lasts; asynchronous like the views that wait."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        token = ADDRESS.set(request.META.get("REMOTE_ADDR", "")[:45])
        try:
            return await self.get_response(request)
        finally:
            ADDRESS.reset(token)
