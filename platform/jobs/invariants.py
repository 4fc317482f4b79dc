"""What must hold of jobs at any moment, whatever was killed? ARCHITECTURE.md numbers the invariants."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from jobs.models import TERMINAL, Job, JobEvent, Status, job_models
from quotas.models import LedgerEntry
from wire.invariants import Invariant

# A lapsed lease is picked up by the next sweep; one much older means that nobody sweeps.
SWEEP_GRACE = timedelta(seconds=60)


def _abandoned() -> Iterator[str]:
    deadline = Now() - timedelta(seconds=settings.LEASE_SECONDS) - SWEEP_GRACE
    for job in _jobs(Q(status=Status.RUNNING, lease_until__lt=deadline)):
        yield f"{job.pk} has been without its worker since {job.lease_until}"


def _not_ended_once() -> Iterator[str]:
    for job in _jobs(Q()):
        ends = list(_events(job).filter(status__in=TERMINAL).values_list("status", flat=True))
        if ends != ([job.status] if job.is_finished else []):
            yield f"{job.pk} is {job.status}, but its events end it as {ends}"


def _attempts_unlike_claims() -> Iterator[str]:
    for job in _jobs(Q()):
        claims = list(_events(job).filter(name="claimed").order_by("id").values_list("attempt", flat=True))
        if claims != list(range(1, job.attempt + 1)):
            yield f"{job.pk} is in attempt {job.attempt}, but was claimed as {claims}"


def _lease_out_of_place() -> Iterator[str]:
    for job in _jobs(Q(status=Status.RUNNING, lease_until=None) | ~Q(status=Status.RUNNING) & ~Q(lease_until=None)):
        yield f"{job.pk} is {job.status} with a lease until {job.lease_until}"


def _events_of_another_tenant() -> Iterator[str]:
    for job in _jobs(Q()):
        if _events(job).exclude(tenant=job.tenant_id).exists():
            yield f"{job.pk} has events of another tenant"


def _not_settled_once() -> Iterator[str]:
    """Jobs that are older than the ledger have no entries."""
    for job in _jobs(Q()):
        kinds = sorted(_entries(job).values_list("kind", flat=True))
        settled = [LedgerEntry.Kind.SETTLE] if job.is_finished else []
        if kinds and kinds != [LedgerEntry.Kind.RESERVE, *settled]:
            yield f"{job.pk} is {job.status}, and its ledger says {kinds}"


def _reserved_for_no_job() -> Iterator[str]:
    entries = LedgerEntry.objects.all()
    for model in job_models():
        entries = entries.exclude(Exists(model.objects.filter(pk=OuterRef("job_id"))))
    for entry in entries.iterator():
        yield f"{entry.tenant_id} has {entry.kind}d for {entry.job_id}, which is not there"


def _charged_otherwise() -> Iterator[str]:
    for job in _jobs(Q(status__in=TERMINAL)):
        for entry in _entries(job).filter(kind=LedgerEntry.Kind.SETTLE):
            if (entry.ms, entry.images) != (job.charge.ms, job.charge.images) or entry.ms != job.charged_ms:
                yield f"{job.pk} is {job.status} and was charged {entry.ms} ms and {entry.images} images"
    for job in _jobs(Q(status=Status.FAILED) | Q(status=Status.CANCELLED, attempt=0)):
        if job.charged_ms:
            yield f"{job.pk} is {job.status} after {job.attempt} attempts and was charged {job.charged_ms} ms"


def _jobs(condition: Q) -> Iterator[Job]:
    for model in job_models():
        yield from model.objects.filter(condition).iterator()


def _entries(job: Job) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(job_id=job.pk)


def _events(job: Job) -> QuerySet[JobEvent]:
    return JobEvent.objects.filter(job_id=job.pk)


INVARIANTS = [
    Invariant("I1", "no running job is without a worker for long", _abandoned),
    Invariant("I2", "a job ends once, and its events say how", _not_ended_once),
    Invariant("I3", "every attempt was claimed exactly once, in order", _attempts_unlike_claims),
    Invariant("I3", "a lease belongs to a running job, and a running job has one", _lease_out_of_place),
    Invariant("I5", "what a job reserved is settled exactly once, when it ends", _not_settled_once),
    Invariant("I5", "the ledger speaks of jobs that are there", _reserved_for_no_job),
    Invariant("I7", "a job is charged what it came to, nothing if it failed or never began", _charged_otherwise),
    Invariant("I10", "a job's events are its tenant's", _events_of_another_tenant),
]
