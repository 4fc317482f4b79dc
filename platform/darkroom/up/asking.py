"""How does a careful program ask for a picture? Under an Idempotency-Key, again and again until it hears an answer."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from darkroom.up.client import Client, Refused, Unreachable

WAIT_SECONDS = 30  # so that many requests are open for as long as their job takes
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 600.0


class Asker:
    """Asks for the pictures of an ordeal, each time under another key. Several threads may use one."""

    def __init__(self, client: Client, webhook: str, seed: int) -> None:
        self.client, self.seed = client, seed
        self.webhook = {"url": webhook, "events": ["completed"]}
        self.unheard: list[str] = []

    def ask(self, number: int, **fields: Any) -> dict[str, Any]:
        """Ask for the job of this number, wait for every second one a while, and return it.

        Raises Refused, and Unreachable when nobody ever answers.
        """
        wanted = {"prompt": "a star", "seed": number, "n": 1 + number % 2, "webhook": self.webhook, **fields}
        headers = {"Idempotency-Key": f"ordeal-{self.seed}-{number}", "Prefer": f"wait={WAIT_SECONDS * (number % 2)}"}
        return self.heard(lambda: self.client.request_generation(headers=headers, **wanted))

    def heard(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Ask until there is an answer: again after a broken connection, a server's error or a request for patience."""
        patient_until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return ask()
            except (Refused, Unreachable) as error:
                if not _is_passing(error) or time.monotonic() > patient_until:
                    raise
                self.unheard.append(str(error))
            time.sleep(PAUSE_SECONDS)


def _is_passing(error: Refused | Unreachable) -> bool:
    return isinstance(error, Unreachable) or error.status == HTTPStatus.CONFLICT or error.status >= 500
