"""What happens to a claimed job? It is performed, then finished, failed, cancelled or handed back: exactly one."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F

from jobs.leases import CancelRequested, HandBack, Lease, recover
from jobs.models import Job, Status
from jobs.moves import LostLease, fail, move
from wire.errors import OUT_OF_REACH

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class JobFailed(Exception):
    """The job cannot be done, and its owner is told why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WorkerUnfit(Exception):
    """This process can do no further job and must be replaced; the job it held goes on elsewhere."""


class Performer(Protocol):
    """One kind of work, as the worker sees it. Every side effect of `perform` lies under its attempt's own name."""

    def warm_up(self) -> None:
        """Make ready what every job of this kind needs. Slow; done before the first claim."""

    def perform(self, job: Any, lease: Lease) -> Sequence[models.Model]:
        """Do the work, reporting progress to the lease, and return the rows that success adds."""


def run(job: Job, performer: Performer, *, must_stop: Callable[[], bool]) -> None:
    """Take a claimed job to its end.

    Raises WorkerUnfit, and what the database raises while it is out of reach: then the lease decides about the job.
    """
    started = time.monotonic()
    log.info("%s: attempt %s starts", job.pk, job.attempt)
    try:
        _perform(job, performer, Lease(job, must_stop=must_stop))
    except LostLease as lost:
        log.warning("%s: result discarded, %s", job.pk, lost)
    log.info("%s: %s after %.2f s", job.pk, job.status, time.monotonic() - started)


def _perform(job: Job, performer: Performer, lease: Lease) -> None:
    try:
        _finish_while_held(job, performer.perform(job, lease))
    except (LostLease, *OUT_OF_REACH):
        raise
    except CancelRequested:
        move(job, Status.CANCELLED, detail="asked by its owner")
    except HandBack:
        move(job, Status.QUEUED, detail="worker stopping")
    except JobFailed as failure:
        fail(job, failure.code, str(failure))
    except WorkerUnfit as unfit:
        recover(job, f"worker unfit: {unfit}"[:200])
        raise
    except Exception:  # the one place that catches everything: a bug fails its job, never the worker
        log.exception("%s: bug", job.pk)
        fail(job, "internal_error", "Something broke on our side. Nothing was charged; the operator has the details.")


def _finish_while_held(job: Job, rows: Sequence[models.Model]) -> None:
    """Commit the result; while the database is out of reach, try again for as long as the lease may hold."""
    give_up_at = time.monotonic() + settings.LEASE_SECONDS
    while True:
        try:
            job.status = _finished(copy.copy(job), rows).status
            return
        except OUT_OF_REACH as error:
            if time.monotonic() > give_up_at:
                raise
            log.warning("%s: cannot be finished yet: %s", job.pk, error)
            connection.close()
            time.sleep(RETRY_SECONDS)


def _finished(job: Job, rows: Sequence[models.Model]) -> Job:
    """Commit result and success together and return the job; whoever lost the lease commits neither."""
    with transaction.atomic():
        move(job, Status.SUCCEEDED, progress_step=F("progress_steps"), detail=f"{len(rows)} rows")
        for row in rows:
            row.save(force_insert=True)
    return job
