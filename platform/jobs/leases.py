"""Who holds a job, and for how long? A worker claims, renews by making progress, and loses what lapses."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Set
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from jobs.backlog import late_before_each
from jobs.deadlines import end_late, why_cancelled
from jobs.models import Job, JobEvent, Share, Status, job_models
from jobs.moves import LostLease, fail, move
from jobs.shares import lift
from jobs.tiers import order
from jobs.turns import Claimant, Turn, next_of, turns
from quotas.limits import running_caps
from tenants.ownership import OwnedQuerySet
from wire.failpoints import Point, failpoint

log = logging.getLogger(__name__)

NOTHING: Counter[str] = Counter()
MAX_CRASHES = 3
SUSPECTS_WAIT_SECONDS = 60  # since it was asked for, and since a worker died
STOPPING, WORKER_CRASHED = "worker stopping", "worker_crashed"  # why a job was handed back, or failed
# Progress is written at most this often: four writes a second and job.
REPORT_SECONDS = 0.25


class CancelRequested(Exception):
    """The job's owner does not want it any more."""


class HandBack(Exception):
    """The worker is asked to stop and will not finish the job in time."""


def claim(
    model: type[Job], worker: str, *, held: Counter[str] = NOTHING, resident: Set[str] = frozenset(), alone: bool = True
) -> Job | None:
    """Take the job whose turn it is, None when none may start. `held` counts what the worker has by tenant, `resident`
    are the weights that it would rather use.

    Jobs whose worker died wait behind the others, and for a worker that holds nothing else: one of them may be what
    killed it, and should not take others along again.
    """
    claimant = Claimant(worker, held, resident)
    if alone and suspect_waits_long(model) and (job := _claim_suspect(model, claimant)):
        return job
    for turn in turns(model, claimant):
        # In a transaction of its own: nobody holds two tenants' shares at once, so nobody waits in a ring.
        if job := _claim_of(model, claimant, turn):
            return job
    return _claim_suspect(model, claimant) if alone else None


def _claim_of(model: type[Job], claimant: Claimant, turn: Turn) -> Job | None:
    with transaction.atomic():
        share, _ = Share.objects.select_for_update().get_or_create(pk=turn.tenant_id)
        if not _may_run_more(model, turn.tenant_id, turn.standing.limits.running_jobs):
            return None
        # SQLite knows no row locks and ignores them; its one writer at a time does the same.
        job = next_of(model, turn, claimant.resident)
        if job is not None:
            _take(job, claimant)
            lift(turn.idle, share.served)
        return job


def _may_run_more(model: type[Job], tenant_id: str, cap: int | None) -> bool:
    """Return whether the tenant still may: another worker may have started one since we looked."""
    return cap is None or model.objects.for_tenant(tenant_id).filter(status=Status.RUNNING).count() < cap


def _claim_suspect(model: type[Job], claimant: Claimant) -> Job | None:
    """Take the first suspect of a tenant that may start one, beginning with whose saw the fewest workers die."""
    suspects = _suspects(model)
    able = _who_may_start(model, suspects)
    late = late_before_each(model) if able else {}
    for tenant_id, cap in able.items():
        with transaction.atomic():
            # Locked as in every other claim, so that no two start what only one of them may.
            Share.objects.select_for_update().get_or_create(pk=tenant_id)
            if _may_run_more(model, tenant_id, cap):
                own = suspects.for_tenant(tenant_id).order_by(*order(late[tenant_id]))
                if job := own.select_for_update(skip_locked=True).first():
                    _take(job, claimant)
                    return job
    return None


def _suspects(model: type[Job]) -> OwnedQuerySet:
    return model.objects.filter(status=Status.QUEUED, crashes__gt=0)


def _who_may_start(model: type[Job], suspects: OwnedQuerySet) -> dict[str, int | None]:
    """Return whose suspects may start, in their order, and how many jobs each may run. One query while there are
    none."""
    served = suspects.filter(tenant__suspended_at=None)
    owners = dict.fromkeys(served.order_by("crashes", "id").values_list("tenant", flat=True))
    caps = running_caps(owners) if owners else {}
    return {owner: caps.get(owner) for owner in owners if _may_run_more(model, owner, caps.get(owner))}


def _take(job: Job, claimant: Claimant) -> None:
    failpoint(Point.CLAIM_FOUND)
    move(
        job,
        Status.RUNNING,
        detail=claimant.worker,
        attempt=F("attempt") + 1,
        worker=claimant.worker,
        started_at=Now(),
        lease_until=_lease_end(),
    )
    failpoint(Point.CLAIM_TAKEN)


def suspect_waits_long(model: type[Job]) -> bool:
    """Say whether a job that saw a worker die has waited for long to be taken by one that holds nothing else, and no
    worker has died meanwhile: were there many that kill, one after the other, nothing else would get on."""
    lately = Now() - timedelta(seconds=SUSPECTS_WAIT_SECONDS)
    waiting = _who_may_start(model, _suspects(model).filter(created_at__lt=lately))
    return bool(waiting) and not _some_worker_died(since=lately)


def _some_worker_died(since: object) -> bool:
    handed_back = Q(name="requeued") & ~Q(detail=STOPPING) | Q(name="failed", detail=WORKER_CRASHED)
    return JobEvent.objects.filter(handed_back, at__gt=since).exists()


class Lease:
    """A held job: `report` renews it, tells the world how far it is, and raises when the work should end."""

    def __init__(self, job: Job, *, must_stop: Callable[[], bool] = lambda: False) -> None:
        self.job, self.must_stop = job, must_stop
        self.reported_at = 0.0
        self.pulse: int | None = None

    def report(self, step: int, steps: int, *, pulse: int, done: bool = False) -> None:
        """Note progress, and hold the job for longer if the pulse has changed: work that hangs must lapse.

        Raises CancelRequested, LostLease and, unless the work is done, HandBack.
        """
        if self.must_stop() and not done:
            raise HandBack
        now = time.monotonic()
        if now - self.reported_at < REPORT_SECONDS and not done:
            return
        self.reported_at = now
        changes: dict[str, Any] = {"progress_step": step, "progress_steps": steps}
        if pulse != self.pulse:
            changes["lease_until"] = _lease_end()
        self.pulse = pulse
        mine = type(self.job).objects.filter(pk=self.job.pk, attempt=self.job.attempt, status=Status.RUNNING)
        if not mine.filter(cancel_requested_at=None).update(**changes):
            raise CancelRequested if mine.exists() else LostLease(f"{self.job.pk} was taken away")
        failpoint(Point.RUN_REPORTED)


def sweep() -> bool:
    """Requeue every job whose worker fell silent, end what is too late, and return whether any job waits. Safe to run
    anywhere, any time."""
    for model in job_models():
        for job in model.objects.filter(status=Status.RUNNING, lease_until__lt=Now()):
            recover(job, "worker fell silent", Q(lease_until__lt=Now()))
    end_late()
    return any(model.objects.filter(status=Status.QUEUED).exists() for model in job_models())


def recover(job: Job, why: str, only_if: Q | None = None) -> None:
    """Give a job that lost its worker its next chance, unless it was cancelled or has done so too often."""
    failpoint(Point.SWEEP_FOUND)
    crashes = job.crashes + 1
    log.warning("%s: attempt %s on %s ended: %s", job.pk, job.attempt, job.worker, why)
    try:
        if crashes >= MAX_CRASHES and not job.cancel_requested_at:
            message = f"The worker died {crashes} times while making this. Try a smaller request."
            fail(job, WORKER_CRASHED, message, only_if=only_if, crashes=crashes)
        else:
            hand_back(job, why, only_if, crashes=crashes)
    except LostLease:
        log.info("%s: it is not lost, or somebody else recovered it", job.pk)
    failpoint(Point.SWEEP_RECOVERED)


def hand_back(job: Job, why: str, only_if: Q | None = None, **changes: Any) -> None:
    """Let a running job wait again, or end it if it is to be cancelled: who asked for that may have done so this very
    moment. Raises LostLease."""
    still, asked = only_if or Q(), Q(cancel_requested_at__isnull=False)
    try:
        move(job, Status.QUEUED, detail=why, only_if=still & ~asked, **changes)
    except LostLease:
        move(job, Status.CANCELLED, detail=why, only_if=still & asked, **changes, **why_cancelled(job))


def _lease_end() -> object:
    """Return when a lease taken now lapses, by the database's clock: workers' clocks may differ."""
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
