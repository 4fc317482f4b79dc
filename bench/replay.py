"""Replays requests against a server in real time and tells how it served them."""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue

from bench.schedule import Request
from bench.server import Server

PNG = b"\x89PNG"


@dataclass(frozen=True)
class Served:
    """A request, and when its last picture was a file (seconds after the start)."""

    request: Request
    finished: float

    @property
    def latency(self) -> float:
        return self.finished - self.request.arrival


def replay(server: Server, requests: Sequence[Request]) -> list[Served]:
    """Submit each request when it is due and wait for all. Raises what a request failed with."""
    finished: SimpleQueue[tuple[Request, float, Future[list[bytes]]]] = SimpleQueue()
    started = time.perf_counter()

    def submit(request: Request) -> None:
        promised = server.submit(request.spec)
        promised.add_done_callback(lambda done: finished.put((request, time.perf_counter() - started, done)))

    for request in requests:
        time.sleep(max(0.0, started + request.arrival - time.perf_counter()))
        submit(request)
    return [served(*finished.get()) for _ in requests]


def served(request: Request, finished: float, done: Future[list[bytes]]) -> Served:
    files = done.result()
    if len(files) != request.spec.n or not all(file.startswith(PNG) for file in files):
        raise ValueError(f"{len(files)} files came for {request.spec.n} pictures, or other files than PNG")
    return Served(request, finished)


def work_per_second(server: Server, requests: Sequence[Request]) -> float:
    """Return how many denoising steps a second the server takes with these requests waiting all at once."""
    replay(server, requests[:1])  # loads the checkpoint
    done = replay(server, [Request(0.0, request.tenant, request.spec) for request in requests])
    return sum(request.work for request in requests) / max(each.finished for each in done)


def figures(done: Sequence[Served]) -> dict[str, float]:
    """Return images a second from the first arrival to the last file, latencies, and how fair it was."""
    seconds = max(each.finished for each in done) - min(each.request.arrival for each in done)
    percentiles = statistics.quantiles((each.latency for each in done), n=100, method="inclusive")
    return {
        "images_per_second": sum(each.request.spec.n for each in done) / seconds,
        "p50_seconds": percentiles[49],
        "p95_seconds": percentiles[94],
        "jain_index": jain_index(service_rates(done).values()),
    }


def service_rates(done: Iterable[Served]) -> dict[str, float]:
    """Return each tenant's denoising steps a second of the time in which it had a request waiting or being drawn."""
    by_tenant: dict[str, list[Served]] = defaultdict(list)
    for each in done:
        by_tenant[each.request.tenant].append(each)
    return {
        tenant: sum(each.request.work for each in theirs)
        / covered([(each.request.arrival, each.finished) for each in theirs])
        for tenant, theirs in by_tenant.items()
    }


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the seconds that at least one of the spans covers."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def jain_index(rates: Iterable[float]) -> float:
    """Return Jain's index of fairness: 1 where all have the same rate, 1 / n where one has everything."""
    shares = list(rates)
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))
