"""Where can whoever watches a job see what it has so far? In the store, for a minute, and only for those who look.

Lossy by design: without the store nobody sees anything before the end. What a preview is, its kind of job knows.
"""

import threading
from collections.abc import Sequence
from functools import cache
from typing import cast

from django.conf import settings

from jobs.models import Job
from wire.optional_store import OptionalStore

KEPT_SECONDS = 60  # for those who begin to watch later


class Previews:
    """What one attempt shows before its end, numbered from 0 without a gap."""

    def __init__(self, job: Job) -> None:
        self.job_id, self.attempt = job.pk, job.attempt
        self.shown = 0
        self._lock = threading.Lock()

    def show(self, content: bytes) -> None:
        """Let whoever watches see this; safe from any thread, and never an error."""
        with self._lock:
            if store().put(key(self.job_id, self.attempt, self.shown), content):
                self.shown += 1


def key(job_id: str, attempt: int, number: int) -> str:
    """Return under which name a preview lies."""
    return f"preview:{job_id}:{attempt}:{number}"


class Store(OptionalStore):
    """The store as previews use it."""

    def put(self, name: str, content: bytes) -> bool:
        """Keep one preview for a while. Return whether the store has it."""
        return bool(self.ask(lambda: self.client.set(name, content, ex=KEPT_SECONDS)))

    def get(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return those of these previews that are there, with one question for all."""
        found = self.ask(lambda: cast("list[bytes | None]", self.client.mget(names))) if names else None
        return {name: content for name, content in zip(names, found or [], strict=False) if content is not None}


def store() -> Store:
    """Return the store that the settings name."""
    return _store_at(settings.REDIS_URL)


@cache
def _store_at(url: str) -> Store:
    return Store(url, for_what="previews")
