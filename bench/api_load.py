"""Who asks? Clients in a process of their own, each over one connection that it keeps: asyncio and bare sockets."""

import asyncio
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What so many clients send in turn, one request each at a time."""

    port: int
    requests: Sequence[bytes]
    clients: int
    seconds: float


def asked(method: str, path: str, headers: Mapping[str, str], said: Mapping[str, Any] | None = None) -> bytes:
    """Return a request as it is sent."""
    body = b"" if said is None else json.dumps(said).encode()
    kind = {} if said is None else {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (kind | dict(headers)).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(load: Load) -> dict[str, Any]:
    """Ask as long as is said, and return how it went."""
    return asyncio.run(_drive(load))


async def _drive(load: Load) -> dict[str, Any]:
    took: list[float] = []
    answers: Counter[str] = Counter()
    turns = cycle(load.requests)
    processor, started = time.process_time(), time.perf_counter()
    until = started + load.seconds
    await asyncio.gather(*(_client(load.port, turns, until, took, answers) for _ in range(load.clients)))
    seconds = time.perf_counter() - started
    return figures(took) | {
        "requests": len(took),
        "per_second": len(took) / seconds,
        "answers": dict(answers),
        "client_busy": (time.process_time() - processor) / seconds,
    }


async def _client(port: int, turns: Iterator[bytes], until: float, took: list[float], answers: Counter[str]) -> None:
    """Ask until then, and once in any case."""
    reader, writer = await connected(port)
    asks = 0
    while (started := time.perf_counter()) < until or not asks:
        asks += 1
        writer.write(next(turns))
        status, _ = await answered(reader, await head_of(reader))
        took.append(1000 * (time.perf_counter() - started))
        answers[str(status)] += 1
    writer.close()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to a server of this machine."""
    return await asyncio.open_connection("127.0.0.1", port)


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """Read the head of an answer."""
    return await reader.readuntil(b"\r\n\r\n")


async def answered(reader: asyncio.StreamReader, head: bytes) -> tuple[int, bytes]:
    """Return the status of an answer and its body, whether its length is said or it comes in chunks."""
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b"".join([piece async for piece in _pieces(reader)])
    return int(head[9:12]), body


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the chunks of an answer until the last."""
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


def figures(took: Sequence[float]) -> dict[str, float]:
    """Return the percentiles of these milliseconds."""
    cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else [*took] * 99
    return {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98]}
