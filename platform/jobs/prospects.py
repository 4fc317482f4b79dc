"""How does each waiting job stand? Its place among its own tenant's, when it will be done, and why it waits.

Of other tenants nothing shows but how long they make it wait.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, RowRange, Sum, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from jobs.backlog import COUNTED_MS, FLEX, late_before_each
from jobs.forecast import Forecast, Outlook
from jobs.models import Job, Status
from jobs.tiers import late_before, order, order_of, rank, rank_of

SHOWN = ("tenant_id", "tier", "created_at", "finish_by", "estimated_ms", "crashes")


@dataclass(frozen=True)
class Reason:
    """Why a job waits, for programs and in a sentence."""

    code: str
    message: str


NEXT = Reason("worker_busy", "It is next: it begins as soon as a worker has room for it.")
AT_RISK = Reason(
    "deadline_at_risk", "It may not be finished by its finish_by. A higher tier or a smaller job would be."
)


@dataclass(frozen=True)
class Prospect:
    """How one waiting job stands; the etas are when it will have finished, None while no worker is ready."""

    position: int
    ahead_seconds: float
    eta_p50: datetime | None
    eta_p90: datetime | None
    reasons: tuple[Reason, ...]


def positions(model: type[Job], tenant_ids: Collection[str]) -> dict[str, int]:
    """Return the place of each waiting job among its own tenant's, 1 being next. One query, however many tenants, and
    another if anything is wanted by some time."""
    waiting = model.objects.filter(status=Status.QUEUED, tenant__in=tenant_ids)
    sorted_by = order(timezone.now())
    rows = list(waiting.order_by(*sorted_by).values_list("crashes", rank(), "finish_by", "tenant_id", "pk"))
    if any(finish_by for _, _, finish_by, *_ in rows):
        # When a job is late differs from tenant to tenant, so no database can sort by that for all of them at once.
        late = late_before_each(model)
        rows.sort(key=lambda row: order_of(*row[:3], late_before=late[row[3]]))
    places: dict[str, int] = {}
    met: dict[str, int] = {}
    for *_, tenant_id, job_id in rows:
        met[tenant_id] = places[job_id] = met.get(tenant_id, 0) + 1
    return places


def prospects(model: type[Job], tenant_id: str, wanted: Collection[str]) -> dict[str, Prospect]:
    """Return how those of these jobs stand that wait; the same few queries, however many they are."""
    outlook, now = Outlook.of(model, tenant_id), timezone.now()
    sorted_by = order(late_before(outlook.own.waiting_ms(), outlook.waiting))
    own = model.objects.for_tenant(tenant_id).filter(status=Status.QUEUED).only(*SHOWN)
    placed = own.annotate(
        place=Window(RowNumber(), order_by=sorted_by),
        upto_ms=Window(Sum(COUNTED_MS), order_by=sorted_by, frame=RowRange(None, 0)),
    )
    # Asked as a question about the place, or the database would count those alone that are wanted.
    found = placed.filter(Q(place=0) | Q(pk__in=wanted))
    return {job.pk: _prospect(job, job.place, job.upto_ms - job.counted_ms, outlook, now) for job in found}


def _prospect(job: Job, place: int, before_ms: float, outlook: Outlook, now: datetime) -> Prospect:
    waited = (now - job.created_at).total_seconds()
    expected = outlook.forecast(before_ms, place - 1, job.counted_ms, job.tier, waited)
    is_known = outlook.workers > 0
    return Prospect(
        place,
        round((outlook.own.running_ms + before_ms) / 1000, 1),
        now + timedelta(seconds=expected.finish_p50) if is_known else None,
        now + timedelta(seconds=expected.finish_p90) if is_known else None,
        tuple(_reasons(job, place, outlook, expected, now)),
    )


def _reasons(job: Job, place: int, outlook: Outlook, expected: Forecast, now: datetime) -> list[Reason]:
    """Return why this job waits, what its owner can change first."""
    own, cap = outlook.own, outlook.own.limits.running_jobs
    late = job.finish_by is not None and now + timedelta(seconds=expected.finish_p90) > job.finish_by
    said = {
        "no_worker": (outlook.workers == 0, "No worker is ready. It begins as soon as one is."),
        "running_limit": (
            not own.may_run_more,
            f"As many of your jobs run as may at once: {cap}. It begins when one of them ends.",
        ),
        "own_jobs_ahead": (place > 1, f"Before it {_jobs(place - 1)} of yours."),
        "runs_alone": (job.crashes > 0, "A worker died while making it, so it waits for one that does nothing else."),
        "flex_waits": (
            rank_of(job.tier, job.created_at) == FLEX and bool(outlook.others),
            f"Flex lets everybody else's jobs go first, for {_minutes(settings.FLEX_WAIT_SECONDS)} at most.",
        ),
        "others_turn": (bool(outlook.others), "It takes turns with other tenants' jobs."),
    }
    found = [Reason(code, message) for code, (holds, message) in said.items() if holds]
    return (found or [NEXT]) + ([AT_RISK] if late else [])


def _jobs(count: int) -> str:
    return "comes one job" if count == 1 else f"come {count} jobs"


def _minutes(seconds: int) -> str:
    return f"{seconds / 60:g} minutes"
