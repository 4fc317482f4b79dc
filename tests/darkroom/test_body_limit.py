"""Large bodies take turns: however many come at once, few are in memory."""

import asyncio

from darkroom.body_limit import BodyLimit
from darkroom.uploads import PICTURES_BYTES
from wire.strict_json import MAX_BYTES
from wire.turns import AT_ONCE, IN_SCOPE


class Application:
    """Reads each body and keeps it until it is told to answer, or lets go of it at once and waits."""

    def __init__(self, *, lets_go: bool = False) -> None:
        self.lets_go, self.read, self.answers = lets_go, 0, asyncio.Event()

    async def __call__(self, scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        self.read += 1
        if self.lets_go:
            scope[IN_SCOPE].end()
        await self.answers.wait()


async def read_of(app: Application, person, size: int, requests: int = AT_ONCE + 2) -> int:
    """Send so many bodies of this size at once, and return how many are read before any is answered."""
    limit = BodyLimit(app)
    headers = [(b"authorization", f"Bearer {person.secret}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/uploads", "query_string": b"", "headers": headers}

    async def receive():
        return {"type": "http.request", "body": bytes(size)}

    sending = [asyncio.create_task(limit(scope, receive, None)) for _ in range(requests)]
    await asyncio.sleep(0.5)
    read = app.read
    app.answers.set()
    await asyncio.gather(*sending)
    assert app.read == requests
    return read


def test_few_large_bodies_are_in_memory_at_once(alice):
    assert PICTURES_BYTES > 2 * MAX_BYTES
    assert asyncio.run(read_of(Application(), alice, 2 * MAX_BYTES)) == AT_ONCE


def test_who_has_let_go_of_the_body_keeps_nobody_waiting(alice):
    assert asyncio.run(read_of(Application(lets_go=True), alice, 2 * MAX_BYTES)) == AT_ONCE + 2


def test_small_bodies_wait_for_none(alice):
    assert asyncio.run(read_of(Application(), alice, 1000)) == AT_ONCE + 2
