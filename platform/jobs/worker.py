"""What does a GPU worker do all day? It claims jobs while there is room, attends to them, and waits for the bell."""

import logging
import os
import secrets
import signal
import socket
import time
from collections import Counter
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
from jobs.lifecycle import Held, Performer, WorkerUnfit
from jobs.models import Job, Worker
from jobs.weights import Weights
from wire.failpoints import Point, failpoint

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # how long a job waits when its ring was lost
LOOK_ON_TOP_SECONDS = 0.25  # when a worker is full, rings are for others; it looks for newcomers by itself
ATTEND_SECONDS = 0.1  # how long a cancel, or progress to be written, may wait
SEEN_SECONDS = 1.0
SWEEP_SECONDS = 5.0
GRACE_SECONDS = 20.0  # after SIGTERM the running job may still finish within this; then it is handed back


class StoppedLoading(BaseException):
    """Report that SIGTERM came before the first job. No Exception, or a loader might take it for a broken file."""


class GpuWorker:
    """One process, one device, everything warm between jobs. This thread knows the database, the performers' threads
    do not: no device ever waits for a transaction."""

    def __init__(self) -> None:
        self.host, self.pid = socket.gethostname()[:60], os.getpid()
        self.name = f"{self.host}-{self.pid}-{secrets.token_hex(3)}"
        self.performers: dict[type[Job], Performer] = {}
        self.stop_by = 0.0  # a monotonic instant, once SIGTERM has come
        self.loading = False
        self.held: list[Held] = []
        self.looked_at = self.swept_at = self.seen_at = 0.0
        self.weights = Weights()

    def work(self) -> None:
        """Work until SIGTERM or SIGINT. Raises WorkerUnfit when the process must be replaced."""
        with _signals(self._stop), self._registered():
            if not self._warmed_up():
                return
            listen(self.name)
            rung = True
            while self.held or not self.stop_by:
                try:
                    self._turn(rung)
                except Error as error:
                    log.warning("the database is out of reach, trying again: %s", error)
                    connection.close()
                if self.held or not self.stop_by:
                    rung = BELL.wait(ATTEND_SECONDS if self.held else LOOK_SECONDS, has_room=self._has_room())

    def _warmed_up(self) -> bool:
        """Load what the performers need; return False if SIGTERM came first."""
        self.loading = True
        try:
            for label, dotted in settings.JOB_PERFORMERS.items():
                performer = import_string(dotted)()
                performer.warm_up()
                self.performers[apps.get_model(label)] = performer
        except StoppedLoading:
            return False
        finally:
            self.loading = False
        return not self.stop_by

    def _turn(self, rung: bool) -> None:
        """Attend to what we hold, claim what there is room for, and do now and then what is due."""
        self._attend()
        now = time.monotonic()
        if not self.stop_by and (rung or now - self.looked_at > self._look_seconds):
            self.looked_at = now
            self._claim()
        if now - self.swept_at > SWEEP_SECONDS:
            self.swept_at = now
            leases.sweep()  # in the scheduler's place, should it be dead
        if now - self.seen_at > SEEN_SECONDS:
            self.seen_at = now
            self._seen(ready=True)

    def _attend(self) -> None:
        """Attend to every job once. Raises WorkerUnfit after all of them have been handed on."""
        unfit = self._unfit()
        going_on = []
        for held in self.held:
            try:
                if not held.attend():
                    going_on.append(held)
            except WorkerUnfit as error:
                unfit = error
        self.held = going_on
        if unfit:
            for held in self.held:
                leases.recover(held.job, f"worker unfit: {unfit}"[:200])
            raise unfit

    def _unfit(self) -> WorkerUnfit | None:
        """Return why this process must be replaced, None if it need not."""
        try:
            for performer in self.performers.values():
                performer.check()
        except WorkerUnfit as error:
            return error
        return None

    def _claim(self) -> None:
        """Take jobs of every kind until none is waiting or there is no room."""
        for model, performer in self.performers.items():
            while not self._is_alone_with_a_suspect and performer.has_room():
                if self.held and leases.suspect_waits_long(model):
                    break  # it may only run alone: for that we must come to hold nothing
                held, rather = Counter(each.job.tenant_id for each in self.held), self.weights.preferred(performer)
                job = leases.claim(model, self.name, held=held, resident=rather, alone=not self.held)
                if job is None:
                    break
                failpoint(Point.CLAIM_COMMITTED)
                self.weights.used(job.affinity)
                self.held.append(Held(job, performer, must_stop=self._is_out_of_time, wake=BELL.rung.set))
                self._attend()  # begins it, without which there would be room for ever

    @property
    def _is_alone_with_a_suspect(self) -> bool:
        """Return whether a job is held that was there when a worker died: if it is what kills workers, it takes nobody
        along."""
        return any(held.job.crashes for held in self.held)

    def _has_room(self) -> bool:
        """Return whether another job may come, whoever's it is."""
        return not self._is_alone_with_a_suspect and len(self.held) < settings.JOBS_AT_ONCE

    @property
    def _look_seconds(self) -> float:
        return LOOK_SECONDS if len(self.held) < settings.JOBS_AT_ONCE else LOOK_ON_TOP_SECONDS

    def _is_out_of_time(self) -> bool:
        return bool(self.stop_by) and time.monotonic() > self.stop_by

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish or hand back the running jobs, then end. A second signal hands back at the next step. What is still
        loading ends at once."""
        self.stop_by = time.monotonic() + (0.0 if self.stop_by else GRACE_SECONDS)
        BELL.rung.set()
        if self.loading:
            raise StoppedLoading

    def _seen(self, *, ready: bool) -> None:
        # Made again should it be gone: the scheduler forgets workers that were not seen for long.
        resident = [each for performer in self.performers.values() for each in performer.holds()]
        seen = {"host": self.host, "pid": self.pid, "seen_at": Now(), "ready": ready}
        seen |= {"holding": len(self.held), "resident": resident}
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
