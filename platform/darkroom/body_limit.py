"""How much may a request send? Counted while it arrives, so that an endless body never fills memory or disk.

Who promises too much and sends nothing is refused in time, and keeps no connection open.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from darkroom.uploads import most_bytes, said_bytes
from wire.errors import ApiError
from wire.ids import new_id
from wire.strict_json import MAX_BYTES
from wire.turns import AT_ONCE, IN_SCOPE, Turn

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PATIENCE_SECONDS = 2.0
AMBIGUOUS = ApiError(
    400, "bad_request", "Say either Content-Length or Transfer-Encoding: the two contradict each other."
)
MORE = "More is for pictures, on the routes that take them, with a key or session that may generate."


class _TooLarge(Exception):
    """The body went on past the limit."""


class BodyLimit:
    """Answers 413 to whoever sends too much, whatever their Content-Length says; large bodies take turns."""

    def __init__(self, app: App) -> None:
        self.app, self.places = app, asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and _is_ambiguous(scope):
            await _refuse(send, AMBIGUOUS)
            return
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
            if scope["type"] == "http" and (said_bytes(scope) or 0) > most:
                await _hear_out(counted)
            await self.app(scope | {IN_SCOPE: turn}, counted, send)
        except _TooLarge:
            await _refuse(send, _too_large(most))
        finally:
            turn.end()


def _is_ambiguous(scope: Message) -> bool:
    """Return whether a proxy may have heard two requests where we hear one."""
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}


async def _hear_out(receive: Receive) -> None:
    """Raise _TooLarge once too much has come, or no more comes: who is cut off while they speak hears no answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await receive())["type"] == "http.request":
                pass
    raise _TooLarge


def _too_large(most: int) -> ApiError:
    return ApiError(413, "request_too_large", f"This request's body may have at most {most} bytes. {MORE}")


async def _refuse(send: Send, refusal: ApiError) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"connection", b"close"),
        (b"x-request-id", new_id("req").encode()),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(refusal.body).encode()})
