"""Where can whoever watches a job see what it has so far? In the store, for a minute, and only for those who look.

Lossy by design: without the store nobody sees anything before the end. What a preview is, its kind of job knows.
"""

import logging
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import cast

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.models import Job

log = logging.getLogger(__name__)

KEPT_SECONDS = 60  # for those who begin to watch later
REST_SECONDS = 5.0  # how long a store that did not answer is left alone: previews hold nobody up


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


class Store:
    """The store as previews use it: asked once, and not again for a while if it does not answer."""

    def __init__(self, url: str) -> None:
        self.rests_until = 0.0
        never = Retry(NoBackoff(), 0)
        self._store = Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=1, retry=never)

    def put(self, name: str, content: bytes) -> bool:
        """Keep one preview for a while. Return whether the store has it."""
        if self.rests:
            return False
        try:
            self._store.set(name, content, ex=KEPT_SECONDS)
        except RedisError as error:
            self._leave_alone(error)
            return False
        return True

    def get(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return those of these previews that are there, with one question for all."""
        if not names or self.rests:
            return {}
        try:
            found = cast("list[bytes | None]", self._store.mget(names))
        except RedisError as error:
            self._leave_alone(error)
            return {}
        return {name: content for name, content in zip(names, found, strict=True) if content is not None}

    @property
    def rests(self) -> bool:
        """Return whether it is left alone now."""
        return time.monotonic() < self.rests_until

    def _leave_alone(self, error: RedisError) -> None:
        self.rests_until = time.monotonic() + REST_SECONDS
        log.warning("no previews, the store does not answer: %s", error)


def store() -> Store:
    """Return the store that the settings name."""
    return _store_at(settings.REDIS_URL)


@cache
def _store_at(url: str) -> Store:
    return Store(url)
