"""Who waits? Clients of one process of their own, each with a connection on which its answer comes late."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.api_load import answered, connected, head_of

AT_ONCE = 16  # so many come in side by side
COME_AGAIN = 503  # so many writers at once may find SQLite busy for too long; they repeat, as any client does
PAUSE_SECONDS = 1.0
JOB = re.compile(rb'"id": ?"(gen_[0-9a-z]{26})"')


@dataclass(frozen=True)
class Waiting:
    """What is sent, one request for each client. Streams go first: the next comes in when one has begun."""

    port: int
    requests: Sequence[bytes]


@dataclass(frozen=True)
class Waited:
    """How an answer ended: its status, by the clock when, of which job, and how many bytes it had."""

    status: int
    at: float
    job_id: str
    size: int
    repeated: int = 0


def wait_all(waiting: Waiting) -> list[Waited]:
    """Send every request, and return how each was answered once all are."""
    return asyncio.run(_wait_all(waiting))


def converse(port: int, requests: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Send these one after the other, each over a connection of its own, and return the answers."""
    return [asyncio.run(_answer(port, request)) for request in requests]


async def _wait_all(waiting: Waiting) -> list[Waited]:
    entering = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(_wait(waiting.port, request, entering) for request in waiting.requests))


async def _wait(port: int, request: bytes, entering: asyncio.Semaphore, repeated: int = 0) -> Waited:
    async with entering:
        reader, writer = await connected(port)
        writer.write(request)
        head = await head_of(reader) if b"/events " in request else None
    status, body = await answered(reader, head or await head_of(reader))
    at = time.time()
    writer.close()
    if status == COME_AGAIN:
        await asyncio.sleep(PAUSE_SECONDS)
        return await _wait(port, request, entering, repeated + 1)
    job = JOB.search(body)
    return Waited(status, at, job[1].decode() if job else "", len(body), repeated)


async def _answer(port: int, request: bytes) -> tuple[int, bytes]:
    reader, writer = await connected(port)
    writer.write(request)
    said = await answered(reader, await head_of(reader))
    writer.close()
    return said
