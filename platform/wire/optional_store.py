"""How is the store asked by those who can do without it? In bounded time, and not again for a while after a silence."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

REST_SECONDS = 5.0  # how long a store that did not answer is left alone
CONNECT_SECONDS = 0.5

Answer = TypeVar("Answer")


class OptionalStore:
    """The store as those ask it who go on without: after a silence one of them tries again, the others do not wait."""

    def __init__(self, url: str, *, for_what: str, seconds: float = 1.0) -> None:
        self.for_what, self.rests_until, self._lock = for_what, 0.0, threading.Lock()
        never = Retry(NoBackoff(), 0)
        self.client = Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=seconds, retry=never)

    def ask(self, question: Callable[[], Answer]) -> Answer | None:
        """Return what the client answers to this, None when it does not or is left alone."""
        if not self._may_ask():
            return None
        try:
            answer = question()
        except RedisError as error:
            self.rests_until = time.monotonic() + REST_SECONDS
            log.warning("no %s, the store does not answer: %s", self.for_what, error)
            return None
        self.rests_until = 0.0
        return answer

    @property
    def rests(self) -> bool:
        """Return whether it is left alone now."""
        return time.monotonic() < self.rests_until

    def _may_ask(self) -> bool:
        with self._lock:
            if self.rests:
                return False
            if self.rests_until:  # it was silent: only this one finds out whether it still is
                self.rests_until = time.monotonic() + REST_SECONDS
            return True
