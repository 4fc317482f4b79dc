"""Which moves may a job make, and how is each made exactly once?

Every move is a conditional update fenced by (status, attempt): whoever lost the job changes zero rows and hears
`LostLease`. Each leaves one event in the same transaction.
"""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs.models import TERMINAL, Job, JobEvent, Status

MOVES = {
    # from             to                event
    (Status.QUEUED, Status.RUNNING): "claimed",
    (Status.QUEUED, Status.CANCELLED): "cancelled",
    (Status.RUNNING, Status.SUCCEEDED): "succeeded",
    (Status.RUNNING, Status.FAILED): "failed",
    (Status.RUNNING, Status.CANCELLED): "cancelled",
    (Status.RUNNING, Status.QUEUED): "requeued",
}


class LostLease(Exception):
    """Somebody else moved the job: it was requeued, cancelled or finished meanwhile."""


def place(job: Job) -> None:
    """Insert a new job as queued."""
    with transaction.atomic():
        job.save(force_insert=True)
        _record(job, "accepted")


def move(job: Job, to: Status, *, detail: str = "", only_if: Q | None = None, **changes: Any) -> None:
    """Move the job from the state in which we know it, and only if more holds. Raises LostLease, changing nothing."""
    name = MOVES[Status(job.status), to]
    if to in TERMINAL:
        changes |= {"completed_at": Now(), "lease_until": None}
    if to == Status.QUEUED:
        changes |= {"lease_until": None, "worker": "", "progress_step": 0}
    with transaction.atomic():
        mine = type(job).objects.filter(only_if or Q(), pk=job.pk, status=job.status, attempt=job.attempt)
        if mine.update(status=to, **changes) != 1:
            raise LostLease(f"{job.pk} is no longer {job.status} in attempt {job.attempt}")
        job.refresh_from_db()
        _record(job, name, detail)


def fail(job: Job, code: str, message: str, **changes: Any) -> None:
    """Move the job to failed with a sentence for its owner."""
    move(job, Status.FAILED, detail=code, error_code=code, error_message=message, **changes)


def _record(job: Job, name: str, detail: str = "") -> None:
    JobEvent.objects.create(
        tenant_id=job.tenant_id, job_id=job.pk, attempt=job.attempt, name=name, status=job.status, detail=detail
    )
