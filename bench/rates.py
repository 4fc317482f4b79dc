"""What does counting a request cost? `python -m bench.rates` asks a store of its own, one question after another.

Prints the median and the 99th percentile in microseconds: of taking from a tenant's and a key's bucket, of that with
the headers it leads to, and of a PING, which is the round trip alone.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django

from darkroom.up.child import Child
from darkroom.up.store import answers, embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")
django.setup()

from quotas.buckets import Bucket, Buckets  # noqa: E402 - Django comes first
from quotas.rates import headers_of  # noqa: E402

BOTH = [Bucket("rate:{ten}", "tenant", 60_000_000), Bucket("rate:{ten}:key", "key", 60_000_000)]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10_000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as home:
        command, url = embedded(Path(home))
        server = Child(command, Path(home))
        server.start()
        try:
            while not answers(url):
                time.sleep(0.01)
            _report(Buckets(url), rounds)
        finally:
            server.stop(lambda: False)


def _report(store: Buckets, rounds: int) -> None:
    _row("ping", rounds, store.client.ping)
    _row("take", rounds, lambda: store.take(BOTH))
    _row("take and headers", rounds, lambda: _counted(store))


def _counted(store: Buckets) -> None:
    taken = store.take(BOTH)
    assert taken is not None
    headers_of(taken.levels)


def _row(name: str, rounds: int, act: Callable[[], object]) -> None:
    act()
    took = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        act()
        took.append((time.perf_counter_ns() - started) / 1000)
    print(f"{name:20} {statistics.median(took):8.0f} {statistics.quantiles(took, n=100)[98]:8.0f}")


if __name__ == "__main__":
    main()
