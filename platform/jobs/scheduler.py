"""What must happen again and again? Jobs of silent workers are requeued, lost rings repeated, orphans removed."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from jobs import leases
from jobs.doorbell import ring
from jobs.models import Worker
from webhooks.sender import Sender
from wire.errors import ApiError

log = logging.getLogger(__name__)

TICK_SECONDS = 5.0
CHORES_SECONDS = 1800.0
FORGET_WORKERS_AFTER = timedelta(hours=1)


def tick() -> None:
    """Requeue what fell silent, and ring for what waits."""
    if leases.sweep():
        ring()


def do_chores() -> None:
    """Do each chore once. Every chore may run twice or in two processes at a time without harm."""
    Worker.objects.filter(seen_at__lt=Now() - FORGET_WORKERS_AFTER).delete()
    for dotted in settings.CHORES:
        chore: Callable[[], object] = import_string(dotted)
        try:
            chore()
        except ApiError as error:
            log.warning("%s is put off: %s", dotted, error)


def run_forever() -> None:
    """Tick until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sending = Sender().start(stop)  # in a thread of its own, so that slow receivers hold up no tick
    chores_at = 0.0
    while not stop.wait(TICK_SECONDS):
        if not sending.is_alive() and not stop.is_set():
            raise RuntimeError("the sender of webhooks has died, and this process with it: the next one goes on")
        try:
            tick()
            if time.monotonic() >= chores_at:
                do_chores()
                chores_at = time.monotonic() + CHORES_SECONDS
        except Error as error:
            log.warning("the database is out of reach, trying again: %s", error)
            connection.close()
    sending.join()
