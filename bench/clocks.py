"""How long does a server take? By the clock or, where others use the machine too, in processors' time of its own."""

import time
from collections.abc import Callable, Sequence

from bench.server import Server
from generation.engine.spec import Spec

Clock = Callable[[Server, Sequence[Spec]], float]


def seconds(server: Server, specs: Sequence[Spec]) -> float:
    """Submit the specs at once and wait for the last file."""
    started = time.perf_counter()
    serve(server, specs)
    return time.perf_counter() - started


def processor_seconds(server: Server, specs: Sequence[Spec]) -> float:
    """Return the time that this process has had processors for, in all of its threads."""
    started = time.process_time()
    serve(server, specs)
    return time.process_time() - started


def serve(server: Server, specs: Sequence[Spec]) -> None:
    promised = [server.submit(spec) for spec in specs]
    files = [file for each in promised for file in each.result()]
    assert len(files) == sum(spec.n for spec in specs)


CLOCKS: dict[str, Clock] = {"wall": seconds, "processor": processor_seconds}
