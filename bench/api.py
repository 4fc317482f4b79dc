"""What does one web process bear, or several? Asked of the real ones, as `make run` starts them, with a real store and
no worker.

    python -m bench.api

On a database of its own: SQLite in a temporary folder unless DATABASE_URL names another, which must be empty. Whoever
asks does so in a process of its own, with asyncio over bare sockets, each client one request at a time over one
connection; `client_busy` says how much of a processor that took.

Three questions: how often a second and how fast each path answers (beside bare views of Django and DRF in the same
server); what a thousand clients cost that wait, and when the last of them hears of its end; whether pages of a tenant
with 200,000 pictures take more than those of one with 200. Milliseconds of processor time are the web processes' alone.

Writes JSON and prints tables.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.api_load import Load, drive
from bench.api_report import show
from darkroom.up.child import Child
from darkroom.up.store import answers, embedded

OUT = Path(__file__).parent / "results" / "api.json"
PARTS = ("paths", "waiting", "history")


def main() -> None:
    """Measure what is asked for."""
    asked = arguments()
    with tempfile.TemporaryDirectory() as home, store(Path(home)) as url:
        os.environ |= {"DARKROOM_HOME": home, "LOG_LEVEL": "CRITICAL", "DARKROOM_MAX_QUEUED": "100000"}
        os.environ["DARKROOM_WEB_PROCESSES"] = str(asked.processes)
        os.environ["DJANGO_SETTINGS_MODULE"] = "darkroom.settings"
        os.environ["REDIS_URL"] = url
        import django  # noqa: PLC0415 - its settings read the environment

        django.setup()
        result = measured(asked)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    print(f"Written to {asked.out}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seconds", type=float, default=4, help="for which each figure is asked")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--processes", type=int, default=1, help="that answer")
    parser.add_argument("--waiters", type=int, default=1000)
    parser.add_argument("--pictures", type=int, default=200_000)
    parser.add_argument("--few-pictures", type=int, default=200)
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args()


@contextmanager
def store(home: Path) -> Iterator[str]:
    """Run a store in this home; yields its URL."""
    command, url = embedded(home)
    server = Child(command, home)
    server.start()
    try:
        while not answers(url):
            time.sleep(0.01)
        yield url
    finally:
        server.stop(lambda: False)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what was found, with what it depends on."""
    from django.db import connection  # noqa: PLC0415 - these want django.setup

    from bench import api_history, api_paths, api_waiting  # noqa: PLC0415
    from bench.api_site import Site, machine  # noqa: PLC0415

    load, site = os.getloadavg()[0], Site()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as clients:

        def ask(load: Load) -> dict[str, Any]:
            return clients.submit(drive, load).result()

        parts: dict[str, Callable[[], Any]] = {
            "paths": lambda: api_paths.measured(site, ask, asked.clients, asked.seconds),
            "waiting": lambda: api_waiting.measured(site, clients, asked.waiters, asked.seconds),
            "history": lambda: api_history.measured(site, ask, asked.few_pictures, asked.pictures, asked.seconds / 2),
        }
        found = {name: measure() for name, measure in parts.items() if name in asked.only}
    connection.close()
    told = {name: value for name, value in vars(asked).items() if name != "out"}
    return {"machine": machine(), "load_average": [load, os.getloadavg()[0]], "asked": told, **found}


if __name__ == "__main__":
    main()
