"""Which moves may a job make, and how is each made exactly once?

Every move is a conditional update fenced by (status, attempt): whoever lost the job changes zero rows and hears
`LostLease`. Each leaves one event in the same transaction.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from jobs import shares
from jobs.models import TERMINAL, Job, JobEvent, Status
from quotas.ledger import settle
from tenants.ownership import OwnedQuerySet
from webhooks.outbox import Happening, record
from wire.failpoints import Point, failpoint

MOVES = {
    # from             to                event
    (Status.QUEUED, Status.RUNNING): "claimed",
    (Status.QUEUED, Status.CANCELLED): "cancelled",
    (Status.RUNNING, Status.SUCCEEDED): "succeeded",
    (Status.RUNNING, Status.FAILED): "failed",
    (Status.RUNNING, Status.CANCELLED): "cancelled",
    (Status.RUNNING, Status.QUEUED): "requeued",
}


# Which moves programs hear of, and under which name.
TOLD = {Status.RUNNING: "job.started"} | dict.fromkeys(TERMINAL, "job.completed")


class LostLease(Exception):
    """Somebody else moved the job: it was requeued, cancelled or finished meanwhile."""


def place(jobs: Sequence[Job]) -> None:
    """Insert new jobs of one kind as queued."""
    with transaction.atomic():
        type(jobs[0]).objects.bulk_create(jobs)
        JobEvent.objects.bulk_create([_event(job, "accepted") for job in jobs])


def move(job: Job, to: Status, *, detail: str = "", only_if: Q | None = None, **changes: Any) -> None:
    """Move the job from the state in which we know it, and only if more holds. Raises LostLease, changing nothing."""
    was, name = job.status, MOVES[Status(job.status), to]
    if to in TERMINAL:
        changes |= {"completed_at": Now(), "lease_until": None}
    if to == Status.QUEUED:
        changes |= {"lease_until": None, "worker": "", "progress_step": 0}
    with transaction.atomic():
        mine = type(job).objects.filter(only_if or Q(), pk=job.pk, status=job.status, attempt=job.attempt)
        if mine.update(status=to, **changes) != 1:
            raise LostLease(f"{job.pk} is no longer {job.status} in attempt {job.attempt}")
        job.refresh_from_db()
        _event(job, name, detail).save()
        if to in TERMINAL:
            _settle([job])
        # After the ledger, as whoever accepts a job does: or the two would wait for each other.
        shares.follow(job, was)
        if to == Status.QUEUED:
            shares.enter(type(job), job.tenant_id, besides=job.pk)
        _tell([job])


def fail(job: Job, code: str, message: str, **changes: Any) -> None:
    """Move the job to failed with a sentence for its owner."""
    move(job, Status.FAILED, detail=code, error_code=code, error_message=message, **changes)


def cancel_waiting(jobs: OwnedQuerySet, *, detail: str) -> None:
    """Cancel those of these jobs that wait; three queries, however many they are."""
    with transaction.atomic():
        # The lock is the fence here: nobody claims a job between our look and our update.
        waiting = list(jobs.filter(status=Status.QUEUED).order_by("pk").select_for_update())
        found = jobs.model._default_manager.filter(pk__in=[job.pk for job in waiting])
        found.update(status=Status.CANCELLED, completed_at=Now())
        for job in waiting:
            job.status = Status.CANCELLED
        JobEvent.objects.bulk_create([_event(job, "cancelled", detail) for job in waiting])
        _settle(waiting)
        _tell(waiting)


def _settle(jobs: Sequence[Job]) -> None:
    """Charge jobs of one kind that have just ended."""
    failpoint(Point.SETTLE_BEGUN)
    for job in jobs:
        job.charged_ms = job.charge.ms
    # In one order everywhere: two who settle for the same tenants must not wait for each other.
    for tenant_id in sorted({job.tenant_id for job in jobs}):
        settle(tenant_id, [job.charge for job in jobs if job.tenant_id == tenant_id])
    if jobs:
        type(jobs[0])._default_manager.bulk_update(jobs, ["charged_ms"])
    failpoint(Point.SETTLE_CHARGED)


def _tell(jobs: Sequence[Job]) -> None:
    """Let the tenants' programs know that these jobs have moved."""
    record(
        [
            Happening(job.tenant_id, TOLD[Status(job.status)], job.pk, job.webhook_url, job.webhook_events)
            for job in jobs
            if job.status in TOLD
        ]
    )


def _event(job: Job, name: str, detail: str = "") -> JobEvent:
    return JobEvent(
        tenant_id=job.tenant_id, job_id=job.pk, attempt=job.attempt, name=name, status=job.status, detail=detail
    )
