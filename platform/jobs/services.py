"""The verbs on any job: accept it, cancel it, find out where it stands."""

import math
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce, Now

from jobs.doorbell import ring
from jobs.models import Job, Status, Worker
from jobs.moves import LostLease, cancel_waiting, move, place
from quotas.ledger import reserve
from tenants.isolation import for_everybody
from tenants.models import Tenant
from tenants.ownership import OwnedQuerySet
from wire.errors import ApiError

AnyJob = TypeVar("AnyJob", bound=Job)

RETRY_AFTER = "10"
BY_OWNER = "asked by its owner"


def accept(*jobs: Job) -> None:
    """Store one tenant's new jobs of one kind, all or none, and ring for workers once the transaction is committed.

    Raises ApiError when too many wait.
    """
    with transaction.atomic():
        _check_room(jobs[0], len(jobs))
        reserve(jobs[0].tenant, [job.reservation for job in jobs])
        place(jobs)
    transaction.on_commit(partial(ring, math.ceil(len(jobs) / settings.JOBS_AT_ONCE)))


def _check_room(job: Job, count: int) -> None:
    queued = type(job).objects.filter(status=Status.QUEUED)
    own, limit = queued.for_tenant(job.tenant).count(), settings.MAX_QUEUED_PER_TENANT
    if own + count > limit:
        more = f", this asks for {count} more" if count > 1 else ""
        message = f"{own} jobs of yours are waiting{more}; the limit is {limit}. Ask again when some have started."
        raise ApiError(429, "queue_full", message, retry_after=RETRY_AFTER)
    with for_everybody():
        waiting = queued.count()
    if waiting + count > settings.MAX_QUEUED:
        raise ApiError(503, "engine_overloaded", "Too many jobs are waiting on this server.", retry_after=RETRY_AFTER)


def cancel(job: AnyJob) -> AnyJob:
    """Cancel a job: at once while it waits, at the next step while it runs. Raises ApiError when it has finished."""
    while not _is_cancelled(job):
        # It moved between our look and our update: look again.
        job.refresh_from_db()
    return job


def _is_cancelled(job: Job) -> bool:
    """Cancel the job as we know it and return whether that worked. Raises ApiError when it has finished otherwise."""
    if job.status == Status.RUNNING:
        held = type(job).objects.filter(pk=job.pk, status=Status.RUNNING)
        asked = held.update(cancel_requested_at=Coalesce("cancel_requested_at", Now()))
        job.refresh_from_db()
        return asked == 1
    if job.status == Status.QUEUED:
        with suppress(LostLease):
            move(job, Status.CANCELLED, detail=BY_OWNER)
    if job.is_finished and job.status != Status.CANCELLED:
        # OpenAI's clients would repeat a 409; this one is final.
        message = f"This job has already {job.status}."
        raise ApiError(409, "job_already_finished", message, x_should_retry="false")
    return job.status == Status.CANCELLED


def cancel_all(jobs: OwnedQuerySet) -> None:
    """Cancel these jobs of one kind: those that wait at once, those that run at the next step, and no finished one."""
    cancel_waiting(jobs, detail=BY_OWNER)
    running = jobs.filter(status=Status.RUNNING)
    running.update(cancel_requested_at=Coalesce("cancel_requested_at", Now()))


def positions(model: type[Job], tenant: Tenant | str) -> dict[str, int]:
    """Return the place of each waiting job among its own tenant's, 1 being next; others' jobs are not to be seen."""
    waiting = model.objects.for_tenant(tenant).filter(status=Status.QUEUED).order_by("pk").values_list("pk", flat=True)
    return {job_id: place for place, job_id in enumerate(waiting[: settings.MAX_QUEUED_PER_TENANT], start=1)}


def has_ready_worker() -> bool:
    """Return whether a worker with its checkpoint loaded was seen within the last lease."""
    recently = Now() - timedelta(seconds=settings.LEASE_SECONDS)
    return Worker.objects.filter(ready=True, seen_at__gte=recently).exists()
