"""How does somebody see all there is to see? By every address of the route table, as a program and in a browser."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.core import mail

from tests.isolation.estate import Estate
from tests.matrix.routes import ANYBODY, OPERATOR, POLICIES
from tests.matrix.test_matrix import address, is_api

EVENTS = "api/v1/generations/<str:id>/events"  # goes on until the job's end; tests/jobs has its own tests of it
ASKED = {
    "api/v1/usage": ("?by=key", "?by=lora", "?by=day"),
    "settings/usage": ("?by=key", "?by=lora", "?format=csv"),
    "api/v1/audit": ("?action=key.", "?limit=1"),
    "api/v1/images/<str:id>/content": ("?size=thumbnail",),
    "api/v1/generations": ("?limit=1",),
}


def every_answer(estate: Estate) -> Iterator[tuple[str, Any, bytes]]:
    """Yield each address with what its owner is answered there, and the body of that."""
    for route, policy in POLICIES.items():
        if policy.methods.get("GET") in (None, ANYBODY, OPERATOR) or route == EVENTS:
            continue
        path = address(route, policy, estate.ids)
        for query in ("", *ASKED.get(route, ())):
            person = estate.person
            for client in (person.browser, person.api) if is_api(route) else (person.browser,):
                answer = client.get(path + query)
                yield path + query, answer, body_of(answer)


def body_of(answer: Any) -> bytes:
    """Return the whole body, however it is sent."""
    if getattr(answer, "is_async", False):
        return async_to_sync(_gathered)(answer.streaming_content)
    return b"".join(answer)


async def _gathered(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def head_of(answer: Any) -> bytes:
    """Return the headers and the cookies."""
    return repr([*answer.items(), answer.cookies]).encode()


class Everything(logging.Handler):
    """Keeps each line that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(self.format(record))


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Yield what is logged meanwhile, and what is mailed at its end."""
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.lines += [f"{each.to} {each.subject} {each.body}" for each in mail.outbox]
