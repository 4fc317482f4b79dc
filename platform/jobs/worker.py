"""What does a GPU worker do all day? It claims and runs jobs until none is left, then waits for the bell."""

import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil
from django.apps import apps
from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from jobs import leases
from jobs.doorbell import BELL, listen
from jobs.lifecycle import Performer, run
from jobs.models import Job, Worker

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # how long a job waits when its ring was lost
SWEEP_SECONDS = 5.0
GRACE_SECONDS = 20.0  # after SIGTERM the running job may still finish within this; then it is handed back


class GpuWorker:
    """One process, one device, one job at a time, everything warm between jobs."""

    def __init__(self) -> None:
        self.host, self.pid = socket.gethostname()[:60], os.getpid()
        self.name = f"{self.host}-{self.pid}-{secrets.token_hex(3)}"
        self.performers: dict[type[Job], Performer] = {}
        self.stop_by = 0.0  # a monotonic instant, once SIGTERM has come
        self.swept_at = 0.0

    def work(self) -> None:
        """Work until SIGTERM or SIGINT. Raises WorkerUnfit when the process must be replaced."""
        with _signals(self._stop), self._registered():
            self._warm_up()
            listen(self.name)
            while not self.stop_by:
                try:
                    self._drain()
                    self._sweep_now_and_then()
                    self._seen(ready=True)
                except Error as error:
                    log.warning("the database is out of reach, trying again: %s", error)
                    connection.close()
                BELL.wait(LOOK_SECONDS)

    def _warm_up(self) -> None:
        for label, dotted in settings.JOB_PERFORMERS.items():
            performer = import_string(dotted)()
            performer.warm_up()
            self.performers[apps.get_model(label)] = performer

    def _drain(self) -> None:
        """Run jobs of every kind until none is waiting or we are asked to stop."""
        waiting = True
        while waiting and not self.stop_by:
            waiting = False
            for model, performer in self.performers.items():
                job = leases.claim(model, self.name)
                if job is not None:
                    self._seen(ready=True, job_id=job.pk)
                    run(job, performer, must_stop=self._is_out_of_time)
                    waiting = True

    def _sweep_now_and_then(self) -> None:
        """Stand in for the scheduler, should it be dead."""
        if time.monotonic() - self.swept_at > SWEEP_SECONDS:
            self.swept_at = time.monotonic()
            leases.sweep()

    def _is_out_of_time(self) -> bool:
        return bool(self.stop_by) and time.monotonic() > self.stop_by

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish or hand back the running job, then end. A second signal hands back at the next step."""
        self.stop_by = time.monotonic() + (0.0 if self.stop_by else GRACE_SECONDS)
        BELL.rung.set()

    def _seen(self, *, ready: bool, job_id: str = "") -> None:
        # Made again should it be gone: the scheduler forgets workers that were not seen for long.
        seen = {"host": self.host, "pid": self.pid, "seen_at": Now(), "ready": ready, "job_id": job_id}
        Worker.objects.update_or_create(pk=self.name, defaults=seen)

    @contextmanager
    def _registered(self) -> Iterator[None]:
        """Have a row while we live. A killed worker's row goes when the next one starts on its machine."""
        for other in Worker.objects.filter(host=self.host):
            if not psutil.pid_exists(other.pid):
                other.delete()
        Worker.objects.create(name=self.name, host=self.host, pid=self.pid)
        try:
            yield
        finally:
            Worker.objects.filter(pk=self.name).delete()


@contextmanager
def _signals(handler: object) -> Iterator[None]:
    """Handle SIGTERM and SIGINT with this handler for a while."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
