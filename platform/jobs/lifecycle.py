"""What happens to a claimed job? It is performed, then finished, failed, cancelled or handed back: exactly one."""

import copy
import logging
import time
from collections.abc import Callable, Sequence, Set
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F

from jobs.deadlines import why_cancelled
from jobs.leases import STOPPING, CancelRequested, HandBack, Lease, hand_back, recover
from jobs.models import Job, Status
from jobs.moves import LostLease, fail, move
from quotas import storage
from quotas.costs import Lesson, learn
from wire.errors import OUT_OF_REACH
from wire.failpoints import Point, failpoint

log = logging.getLogger(__name__)

INTERNAL = "Something broke on our side. Nothing was charged; the operator has the details."


class JobFailed(Exception):
    """The job cannot be done, and its owner is told why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WorkerUnfit(Exception):
    """This process can do no further job and must be replaced; the jobs it held go on elsewhere."""


class Performance(Protocol):
    """One job being performed, in threads of the performer's own."""

    # The rows that success adds, or why there are none. Every side effect lies under its attempt's own name.
    outcome: Future[Sequence[models.Model]]

    @property
    def progress(self) -> tuple[int, int]:
        """Return the steps done and the steps in all."""

    @property
    def pulse(self) -> int:
        """Return a number that changes as long as the performer gets on with its work."""

    @property
    def measured_ms(self) -> int:
        """Return how many GPU-milliseconds it has taken so far."""

    def stop(self) -> None:
        """Want nothing more of it."""


class Performer(Protocol):
    """One kind of work, as the worker sees it; several jobs at a time."""

    def warm_up(self) -> None:
        """Make ready what every job of this kind needs. Slow; done before the first claim."""

    def check(self) -> None:
        """Raise WorkerUnfit when no job of this kind will get on in this process any more."""

    def has_room(self) -> bool:
        """Return whether one more job would get on, be it on top of JOBS_AT_ONCE."""

    def begin(self, job: Any) -> Performance:
        """Begin a job and return at once."""

    def lesson(self, job: Any, measured_ms: int) -> Lesson | None:
        """Return what a job that took so many GPU-milliseconds teaches of what others will take, if anything."""

    def holds(self) -> list[dict[str, Any]]:
        """Return what lies in memory and why, for the operator: plain values."""

    def resident(self) -> Set[str]:
        """Return for which affinities of jobs the large weights are where they are used."""


class Held:
    """A job of ours, from its claim to its end; whoever holds it attends to it again and again."""

    def __init__(
        self, job: Job, performer: Performer, *, must_stop: Callable[[], bool], wake: Callable[[], object]
    ) -> None:
        """Hold a claimed job. `wake` is called, in any thread, when it wants to be attended to."""
        self.job, self.performer, self.wake = job, performer, wake
        self.lease = Lease(job, must_stop=must_stop)
        self.performance: Performance | None = None
        self.begun_at = time.monotonic()
        self.out_of_reach_since: float | None = None
        log.info("%s: attempt %s starts", job.pk, job.attempt)

    def attend(self) -> bool:
        """Begin it, report how far it is, or end it. Return whether it is off our hands. Raises WorkerUnfit."""
        try:
            ended = self._attend()
            self.out_of_reach_since = None
        except LostLease as lost:
            log.warning("%s: result discarded, %s", self.job.pk, lost)
            ended = True
        except OUT_OF_REACH as error:
            ended = self._give_up(error)
        if ended:
            if self.performance:
                self.performance.stop()
            log.info("%s: %s after %.2f s", self.job.pk, self.job.status, time.monotonic() - self.begun_at)
        return ended

    def _attend(self) -> bool:
        try:
            if self.performance is None:
                self.performance = self.performer.begin(self.job)
                self.performance.outcome.add_done_callback(lambda _: self.wake())
                failpoint(Point.RUN_BEGUN)
            done = self.performance.outcome.done()
            self.lease.report(*self.performance.progress, pulse=self.performance.pulse, done=done)
            if not done:
                return False
            rows = self.performance.outcome.result()
            self.job.status = _finished(copy.copy(self.job), rows, self._measured_ms).status
            self._teach()
        except (LostLease, *OUT_OF_REACH):
            raise
        except CancelRequested:
            why = why_cancelled(self.job)
            detail = why.get("error_code", "asked by its owner")
            move(self.job, Status.CANCELLED, detail=detail, measured_ms=self._measured_ms, **why)
        except HandBack:
            hand_back(self.job, STOPPING)
        except JobFailed as failure:
            fail(self.job, failure.code, str(failure), measured_ms=self._measured_ms)
        except WorkerUnfit as unfit:
            recover(self.job, f"worker unfit: {unfit}"[:200])
            raise
        except Exception:  # everything: a bug fails its job, never the worker
            log.exception("%s: bug", self.job.pk)
            fail(self.job, "internal_error", INTERNAL)
        return True

    def _teach(self) -> None:
        """Let the cost model learn what the job took; that it cannot now is no failure of the job, which has ended."""
        try:
            if lesson := self.performer.lesson(self.job, self._measured_ms):
                learn(lesson)
        except Exception:  # everything: it has succeeded, whatever is wrong with what it teaches
            log.exception("%s: nothing is learnt of what it took", self.job.pk)

    @property
    def _measured_ms(self) -> int:
        return self.performance.measured_ms if self.performance else 0

    def _give_up(self, error: Exception) -> bool:
        """While the database is out of reach, try again for as long as the lease may hold; then the job is not ours."""
        connection.close()
        now = time.monotonic()
        self.out_of_reach_since = self.out_of_reach_since or now
        log.warning("%s: the database is out of reach: %s", self.job.pk, error)
        return now - self.out_of_reach_since > settings.LEASE_SECONDS


def _finished(job: Job, rows: Sequence[models.Model], measured_ms: int) -> Job:
    """Commit result and success together and return the job; whoever lost the lease commits neither."""
    failpoint(Point.SETTLE_ASKED)
    with transaction.atomic():
        # First, so that it comes before whatever else waits for the commit.
        transaction.on_commit(partial(failpoint, Point.SETTLE_COMMITTED))
        move(
            job,
            Status.SUCCEEDED,
            progress_step=F("progress_steps"),
            measured_ms=measured_ms,
            detail=f"{len(rows)} rows",
        )
        for row in rows:
            row.save(force_insert=True)
        storage.add_rows(job.tenant_id, rows)
        failpoint(Point.SETTLE_WRITTEN)
    return job
