"""What does one process of a Darkroom do, that a test lets break? `perform` runs in a process of its own."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import django
from django.apps import apps

if not apps.ready:  # in the fork server, which gets ready once for all the processes that it forks
    django.setup()

from django.db import connection
from django.test.utils import override_settings

# Once, before the fork, because it takes long: the web's and the worker's parts that are else imported by name.
from darkroom import asgi, urls  # noqa: F401
from generation import dispatch  # noqa: F401
from jobs import scheduler
from jobs.worker import GpuWorker
from tests.conftest import Api
from tests.generation.giving import given, plain
from webhooks.sender import Sender
from wire.failpoints import parsed

ROUTE = "/api/v1/generations"
PICTURE = given(plain("navy", (64, 64)))
ORDER = {"prompt": "a kite", "size": "64x64", "steps": 4, "n": 2, "init_image": PICTURE}


@dataclass(frozen=True)
class Here:
    """Which Darkroom the process belongs to, and on whose behalf it acts."""

    database: str
    settings: dict[str, Any]
    secret: str
    about: str = ""  # the path of what the act is about


class Telling(logging.Handler):
    """Lets the test know that the process came to its failpoint."""

    def __init__(self, told: Connection) -> None:
        super().__init__()
        self.told = told

    def emit(self, record: logging.LogRecord) -> None:
        self.told.send_bytes(b"struck")


def perform(act: str, failpoints: str, here: Here, told: Connection) -> None:
    """Do one act in the Darkroom that is `here`, and break where it is said."""
    connection.settings_dict["NAME"] = here.database
    override_settings(**here.settings, FAILPOINTS=parsed(failpoints)).enable()
    logging.getLogger("wire.failpoints").addHandler(Telling(told))
    ACTS[act](here)


def ask(here: Here) -> Any:
    """Ask for pictures, as a careful program does: by a key, so that it may ask again."""
    return Api(here.secret).post(ROUTE, ORDER, headers={"Idempotency-Key": "k1"})


def upload(here: Here) -> Any:
    """Give a picture."""
    return Api(here.secret).post("/api/v1/uploads", {"data": PICTURE})


def cancel(here: Here) -> Any:
    """Want a job no more."""
    return Api(here.secret).post(f"{here.about}/cancel")


def delete(here: Here) -> Any:
    """Want an image no more."""
    return Api(here.secret).delete(here.about)


def work(here: Here) -> None:
    """Be a worker until SIGTERM."""
    GpuWorker().work()


def sweep(here: Here) -> None:
    """Look after jobs whose worker fell silent."""
    scheduler.tick()


def deliver(here: Here) -> None:
    """Send messages until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Sender().start(stop).join()


ACTS: dict[str, Callable[[Here], Any]] = {
    each.__name__: each for each in (ask, upload, cancel, delete, work, sweep, deliver)
}
