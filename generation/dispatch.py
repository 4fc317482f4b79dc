"""How does a claimed generation become stored images? The engine draws, a pool stores, the worker hears of the end."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from PIL import Image as Pixels

from generation.drawing import Drawing, Engine
from generation.engine.due import USUAL_PATIENCE, Urgency
from generation.engine.errors import EngineError
from generation.engine.options import Options
from generation.engine.spec import Picture, StepReport
from generation.failures import translated
from generation.fetching import needs, with_pictures
from generation.finishing import stored
from generation.models import GenerationJob, Image
from generation.previews import packed, shown
from generation.prices import lesson_of
from jobs.lifecycle import JobFailed, WorkerUnfit
from jobs.models import Job
from jobs.previews import Previews
from jobs.shares import LEAST_WEIGHT
from jobs.tiers import rank_of
from loras.cache import fetched
from loras.services import absolute, shelve_checkpoint
from loras.weights.errors import CheckpointUnusable
from quotas.costs import Lesson
from quotas.limits import limits_of
from wire.failpoints import Point, failpoint

log = logging.getLogger(__name__)

# Apart, so that no slow download or store of previews keeps a picture from being stored.
STORING_THREADS = FETCHING_THREADS = 2
SHOWING_THREADS = 1
# After how many times what it takes alone a generation is due. Which tenant had how much, the claim sees to.
PATIENCE = (1.0, USUAL_PATIENCE, 8.0)  # by rank: interactive, standard, flex
ON_TOP = 2  # so many times JOBS_AT_ONCE at most, of tenants that have little here


class Generations:
    """Performs generations on one engine that stays warm: they share its batches, and a pool stores their pictures."""

    engine: Engine

    def __init__(self) -> None:
        self.storing = ThreadPoolExecutor(STORING_THREADS, thread_name_prefix="storing")
        self.fetching = ThreadPoolExecutor(FETCHING_THREADS, thread_name_prefix="fetching")
        self.showing = ThreadPoolExecutor(SHOWING_THREADS, thread_name_prefix="showing")
        self.going_on: set[GenerationPerformance] = set()
        self.affinities: dict[str, str] = {}  # by where their checkpoint's files are

    def warm_up(self) -> None:
        """Load the checkpoint that the settings name. Raises JobFailed with a sentence for the operator."""
        started, source = time.monotonic(), absolute(settings.CHECKPOINT)  # as the shelf spells it
        try:
            self.engine = import_string(settings.ENGINE)(source, Options(**settings.ENGINE_OPTIONS))
        except EngineError as error:
            raise JobFailed(error.code, str(error)) from error
        self.engine.start()
        try:
            shelve_checkpoint(source)
        except CheckpointUnusable as error:
            raise JobFailed("checkpoint_unusable", str(error)) from error
        log.info("checkpoint %s is loaded after %.1f s", source, time.monotonic() - started)

    def check(self) -> None:
        """Raise WorkerUnfit when no generation will get on here any more."""
        if self.engine.is_unfit:
            raise WorkerUnfit("the device is lost, or hangs")

    def has_room(self) -> bool:
        """Return whether one more generation would get on, be it on top of JOBS_AT_ONCE."""
        return len(self.going_on) < ON_TOP * settings.JOBS_AT_ONCE

    def begin(self, job: GenerationJob) -> "GenerationPerformance":
        """Hand the generation to the engine."""
        self.affinities[job.checkpoint.source] = job.affinity
        performance = GenerationPerformance(job, self.engine, self.storing, self.fetching, self.showing)
        self.going_on.add(performance)
        performance.outcome.add_done_callback(lambda _: self.going_on.discard(performance))
        return performance

    def lesson(self, job: GenerationJob, measured_ms: int) -> Lesson:
        """Return what a generation that was drawn teaches of what others will take."""
        return lesson_of(job, measured_ms)

    def holds(self) -> list[dict[str, Any]]:
        """Return which weights lie where, and why."""
        return self.engine.holds()

    def resident(self) -> set[str]:
        """Return which checkpoints lie on the device, of those that were drawn with."""
        held = [each for each in self.engine.holds() if each["kind"] == "checkpoint" and each["where"] == "device"]
        there = {each["name"] for each in held}
        return {affinity for source, affinity in self.affinities.items() if Path(source).name in there}


class GenerationPerformance:
    """One generation being drawn and stored. `outcome` has its images when the last one is stored."""

    def __init__(
        self,
        job: GenerationJob,
        engine: Engine,
        storing: ThreadPoolExecutor,
        fetching: ThreadPoolExecutor,
        showing: ThreadPoolExecutor,
    ) -> None:
        # What asks the database asks here: the pools' threads have no connection.
        self.job, self.spec, self.engine = job, job.spec, engine
        self.storing, self.fetching, self.showing = storing, fetching, showing
        self.urgency = urgency_of(job)
        self.outcome: Future[Sequence[Image]] = Future()
        self.previews = Previews(job)
        self.images: list[Image] = []
        self.drawing: Drawing | None = None
        self.fetched = 0
        self._lock = threading.Lock()
        if needs(job):
            self._in(fetching, self._fetch)
        else:
            self._draw()

    @property
    def progress(self) -> tuple[int, int]:
        """Return the steps of an average picture, done and in all."""
        report = self.drawing.progress if self.drawing else StepReport(0, self.spec.steps)
        return report.step, report.steps

    @property
    def pulse(self) -> int:
        """Return a number that changes while files are fetched, then while the engine works, then with each picture
        that is stored: the engine's work for others is no sign that this one gets on."""
        drawing = self.drawing is not None and not self.drawing.finished.done()
        return (self.engine.pulse if drawing else 0) + len(self.images) + self.fetched

    @property
    def measured_ms(self) -> int:
        """Return how many GPU-milliseconds it has taken so far."""
        return self.drawing.device_ms if self.drawing else 0

    def stop(self) -> None:
        """Want nothing more of it."""
        with self._lock:
            self.outcome.cancel()
        if self.drawing:
            self.drawing.cancel()

    def _fetch(self) -> None:
        """Bring LoRAs' files and pictures onto this machine, which may take as long as a download does."""
        failpoint(Point.RUN_FETCHING)
        with ExitStack() as files:
            for each in self.job.worn:
                if self.outcome.done():
                    return
                files.enter_context(fetched(each.version, self._count))
            self.spec = with_pictures(self.job, self.spec, self._count)
            self._draw()
            kept = files.pop_all()
        self.outcome.add_done_callback(lambda _: kept.close())  # at once, if it has ended meanwhile

    def _count(self) -> None:
        self.fetched += 1

    def _draw(self) -> None:
        with self._lock:
            if self.outcome.done():
                return
            self.drawing = self.engine.submit(
                self.spec,
                self._drew,
                lambda *look: self.showing.submit(self._show, *look).add_done_callback(shown),
                self.urgency,
            )
        self.drawing.finished.add_done_callback(self._drawn)

    def _drew(self, picture: Picture) -> None:
        failpoint(Point.RUN_DRAWN)
        self._in(self.storing, self._store, picture)

    def _drawn(self, finished: Future[None]) -> None:
        if not finished.cancelled() and (error := finished.exception()):
            self._fail(translated(error))

    def _in(self, pool: ThreadPoolExecutor, work: Callable[..., None], *args: Any) -> None:
        pool.submit(work, *args).add_done_callback(self._worked)

    def _worked(self, working: Future[None]) -> None:
        if not working.cancelled() and (error := working.exception()):
            self._fail(translated(error))

    def _fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):  # it has ended already
            self.outcome.set_exception(error)

    def _show(self, index: int, number: int, image: Pixels.Image) -> None:
        if not self.outcome.done():
            self.previews.show(packed(index, number, image))

    def _store(self, picture: Picture) -> None:
        if self.outcome.done():
            return
        image = stored(self.job, self.spec, picture)
        with self._lock:
            self.images.append(image)
            if len(self.images) == self.spec.n:
                with suppress(InvalidStateError):
                    self.outcome.set_result(sorted(self.images, key=lambda each: each.index))


def urgency_of(job: Job) -> Urgency:
    """Return how urgent a job is to the engine: each tenant has a lane. Asks the database."""
    weight = max(limits_of(job.tenant_id).weight, LEAST_WEIGHT)
    return Urgency(job.tenant_id, PATIENCE[rank_of(job.tier, job.created_at)], weight)
