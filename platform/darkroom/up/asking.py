"""How does a careful program ask for a picture? Under an Idempotency-Key, again and again until it hears an answer."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from darkroom.up.client import Client, Refused, Unreachable

# Whoever repeats a request that a dying process had begun hears for 20 s that it is being done: others go on.
ASKING_AT_ONCE = 32
PASSING = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
WAIT_SECONDS = 30  # so that many requests are open for as long as their job takes
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 600.0


class Asker:
    """Asks for the pictures of an ordeal, each time under another key. Several threads may use one."""

    def __init__(self, client: Client, webhook: str, seed: int) -> None:
        self.client, self.seed = client, seed
        self.webhook = {"url": webhook, "events": ["completed"]}
        self.unheard: list[str] = []
        self.enough = threading.Event()

    @contextmanager
    def threads(self) -> Iterator[ThreadPoolExecutor]:
        """Have threads to ask in. Whoever leaves before they are done, as by Ctrl-C, waits for none of them."""
        threads = ThreadPoolExecutor(ASKING_AT_ONCE)
        try:
            yield threads
        finally:
            self.enough.set()
            threads.shutdown(wait=False, cancel_futures=True)

    def ask(self, number: int, **fields: Any) -> dict[str, Any]:
        """Ask for the job of this number, wait for every second one a while, and return it."""
        wanted = {"prompt": "a star", "seed": number, "n": 1 + number % 2, "webhook": self.webhook, **fields}
        headers = {"Idempotency-Key": f"ordeal-{self.seed}-{number}", "Prefer": f"wait={WAIT_SECONDS * (number % 2)}"}
        return self.heard(lambda: self.client.request_generation(headers=headers, **wanted))

    def heard(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Ask until there is an answer: again after a broken connection, a server's error or a request for patience.

        Raises Refused, and Unreachable when nobody ever answers or `enough` is set.
        """
        patient_until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return ask()
            except (Refused, Unreachable) as error:
                if not _is_passing(error) or time.monotonic() > patient_until or self.enough.is_set():
                    raise
                self.unheard.append(str(error))
            self.enough.wait(PAUSE_SECONDS)


def _is_passing(error: Refused | Unreachable) -> bool:
    return isinstance(error, Unreachable) or error.status in PASSING or error.status >= 500
