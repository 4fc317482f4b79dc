"""How much may a request send? Counted while it arrives, so that an endless body never fills memory or disk."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from darkroom.uploads import most_bytes
from wire.errors import ApiError
from wire.ids import new_id
from wire.strict_json import MAX_BYTES
from wire.turns import AT_ONCE, IN_SCOPE, Turn

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


MORE = "More is for pictures, on the routes that take them, with a key or session that may generate."


class _TooLarge(Exception):
    """The body went on past the limit."""


class BodyLimit:
    """Answers 413 to whoever sends too much, whatever their Content-Length says; large bodies take turns."""

    def __init__(self, app: App) -> None:
        self.app, self.places = app, asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        most = await most_bytes(scope) if scope["type"] == "http" else 0
        received, turn = 0, Turn(self.places)

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise _TooLarge
            is_whole = message["type"] == "http.request" and not message.get("more_body")
            if is_whole and received > MAX_BYTES:
                await turn.take()
            return message

        try:
            await self.app(scope | {IN_SCOPE: turn}, counted, send)
        except _TooLarge:
            await _refuse(send, most)
        finally:
            turn.end()


async def _refuse(send: Send, most: int) -> None:
    refusal = ApiError(413, "request_too_large", f"This request's body may have at most {most} bytes. {MORE}")
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"close"),
        (b"x-request-id", new_id("req").encode()),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(refusal.body).encode()})
