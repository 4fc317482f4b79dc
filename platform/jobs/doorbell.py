"""How does a worker hear of new work at once? A ticket on RQ that says nothing but "look". These lines alone know RQ.

Lossy by design: a lost ticket costs the seconds until the worker looks by itself.
"""

import logging
import threading
from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

log = logging.getLogger(__name__)

QUEUE = "wake"


def ring(times: int = 1) -> None:
    """Tell so many idle workers to look into the database."""
    try:
        for _ in range(times):
            _queue().enqueue("jobs.doorbell.answer", job_timeout=-1, result_ttl=0, failure_ttl=0, ttl=60)
    except RedisError as error:
        log.warning("the doorbell is out of order, workers look by themselves: %s", error)


@cache
def _queue() -> Queue:
    """Return the queue over a connection that gives up at once: nobody waits for a doorbell."""
    store = Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
    return Queue(QUEUE, connection=store, serializer=JSONSerializer)


class Bell:
    """What the listening thread and the working thread of one process share."""

    def __init__(self) -> None:
        self.rung = threading.Event()
        self.idle = threading.Event()

    def wait(self, seconds: float, *, has_room: bool = True) -> bool:
        """Sleep until somebody rings, at most this long, and return whether somebody has."""
        if has_room:
            self.idle.set()
        rung = self.rung.wait(seconds)
        self.idle.clear()
        self.rung.clear()
        return rung


BELL = Bell()


def answer() -> None:
    """Wake the working thread, and hold the ticket until it has room, so that the next one goes to another worker.

    RQ calls this by name in the listening thread.
    """
    BELL.idle.clear()
    BELL.rung.set()
    BELL.idle.wait()


class Listener(SimpleWorker):
    """An RQ worker in a thread beside the GPU's: no fork, no signals of its own."""

    death_penalty_class = TimerDeathPenalty  # SIGALRM works in a main thread only
    max_connection_wait_time = 5.0

    def _install_signal_handlers(self) -> None:
        """Leave signals to the main thread."""


def listen(name: str) -> threading.Thread:
    """Start listening for tickets and return the thread; it ends with the process."""
    thread = threading.Thread(target=_listen, args=(name,), name="doorbell", daemon=True)
    thread.start()
    return thread


def _listen(name: str) -> None:
    options: dict[str, Any] = {"worker_ttl": 30, "maintenance_interval": 60, "serializer": JSONSerializer}
    while True:
        try:
            store = Redis.from_url(settings.REDIS_URL)
            Listener([QUEUE], name=name, connection=store, **options).work(logging_level="WARNING")
        except (RedisError, ValueError) as error:  # ValueError: RQ still knows a worker of this name
            log.warning("the doorbell is out of order: %s", error)
        threading.Event().wait(2)
