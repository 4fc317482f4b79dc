"""The verbs on any job: accept it, cancel it, find out where it stands."""

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce, Now

from jobs.deadlines import refuse_impossible
from jobs.doorbell import ring
from jobs.models import Job, Status, Worker, job_models
from jobs.moves import LostLease, cancel_waiting, move, place
from jobs.shares import enter
from quotas import storage
from quotas.ledger import refuse_spent, reserve
from quotas.limits import EffectiveLimits, limits_of
from quotas.refusals import Excess, queue_full
from tenants.isolation import for_everybody
from tenants.ownership import OwnedQuerySet
from wire.errors import ApiError
from wire.failpoints import Point, failpoint

AnyJob = TypeVar("AnyJob", bound=Job)

RETRY_AFTER = "10"
BY_OWNER = "asked by its owner"


def refuse_hopeless(jobs: Sequence[Job], limits: EffectiveLimits) -> None:
    """Raise ApiError for one tenant's new jobs of one kind if there is no room for them as things stand.

    Call it before the transaction that accepts them: whoever comes with nothing left, again and again, does not queue
    up for SQLite's one writer. What is left and the tenant's queue are looked at again there, since they must not be
    passed; storage and the server's queue are not, and may be by those who come at the same moment.
    """
    for job in jobs:
        refuse_impossible(job)
    tenant = jobs[0].tenant
    refuse_spent(tenant, [job.reservation for job in jobs], limits)
    storage.check_room(tenant, limits=limits)
    _check_queue(jobs, limits)
    with for_everybody():
        waiting = type(jobs[0]).objects.filter(status=Status.QUEUED).count()
    if waiting + len(jobs) > settings.MAX_QUEUED:
        raise ApiError(503, "engine_overloaded", "Too many jobs are waiting on this server.", retry_after=RETRY_AFTER)


def accept(*jobs: Job, limits: EffectiveLimits | None = None) -> None:
    """Store one tenant's new jobs of one kind, all or none, and ring for workers once the transaction is committed.

    Raises ApiError when too many of its jobs wait, or when there is not enough left to be reserved.
    """
    with transaction.atomic():
        limits = limits or limits_of(jobs[0].tenant)
        reserve(jobs[0].tenant, [job.reservation for job in jobs], limits=limits)
        failpoint(Point.ACCEPT_RESERVED)
        # After reserving, which lets one request of a tenant in at a time: so none is counted past another.
        _check_queue(jobs, limits)
        enter(type(jobs[0]), jobs[0].tenant_id)
        place(jobs)
        failpoint(Point.ACCEPT_PLACED)
    transaction.on_commit(partial(_ring_for, len(jobs)))


def _ring_for(jobs: int) -> None:
    failpoint(Point.ACCEPT_COMMITTED)
    ring(math.ceil(jobs / settings.JOBS_AT_ONCE))
    failpoint(Point.ACCEPT_RUNG)


def _check_queue(jobs: Sequence[Job], limits: EffectiveLimits) -> None:
    """Raise ApiError when more of the tenant's would wait than may."""
    if (limit := limits.queued_jobs) is None:
        return
    own = type(jobs[0]).objects.for_tenant(jobs[0].tenant).filter(status=Status.QUEUED).count()
    if own + len(jobs) > limit:
        raise queue_full(Excess("queued_jobs", limit, own, len(jobs)), limits.plan, RETRY_AFTER)


def count_running(tenant_id: str) -> int:
    """Return how many jobs of a tenant's run."""
    return _count(tenant_id, Status.RUNNING)


def count_queued(tenant_id: str) -> int:
    """Return how many jobs of a tenant's wait."""
    return _count(tenant_id, Status.QUEUED)


def _count(tenant_id: str, status: Status) -> int:
    return sum(model.objects.for_tenant(tenant_id).filter(status=status).count() for model in job_models())


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
    with transaction.atomic():
        # Locked in one order, as those that wait: an update alone takes them as it finds them, in a ring with others.
        running = jobs.filter(status=Status.RUNNING).order_by("pk").select_for_update()
        held = list(running.values_list("pk", flat=True))
        asked = jobs.model._default_manager.filter(pk__in=held)
        asked.update(cancel_requested_at=Coalesce("cancel_requested_at", Now()))


def has_ready_worker() -> bool:
    """Return whether a worker with its checkpoint loaded was seen within the last lease."""
    return ready_workers() > 0


def ready_workers() -> int:
    """Return how many workers with their checkpoint loaded were seen within the last lease."""
    recently = Now() - timedelta(seconds=settings.LEASE_SECONDS)
    return Worker.objects.filter(ready=True, seen_at__gte=recently).count()
