"""What does a job hold reserved, and what is it charged? Reserved when it is accepted, settled once when it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, F, Value
from django.utils import timezone

from quotas.limits import EffectiveLimits, limits_of
from quotas.models import LedgerEntry, Spending
from quotas.periods import Period, day_of, month_begin, month_of
from quotas.refusals import Excess, used_up
from quotas.standing import spending
from tenants.models import Tenant
from tenants.ownership import OwnedQuerySet

COLUMNS = ("reserved_images", "spent_images", "reserved_ms", "spent_ms")
MOST = BigIntegerField.MAX_BIGINT
# Which limit is of what, and how many of its units are one of the limit's.
LIMITED = {"images": ("images", 1), "ms": ("gpu_seconds", 1000)}


@dataclass(frozen=True)
class Reservation:
    """The most that a job may come to."""

    job_id: str
    ms: int
    images: int
    key_id: str = ""


@dataclass(frozen=True)
class Charge:
    """What a job has come to."""

    job_id: str
    ms: int
    images: int


def refuse_spent(tenant: Tenant, reservations: Sequence[Reservation], limits: EffectiveLimits) -> None:
    """Raise ApiError if as much cannot be reserved as things stand. One query, and nothing is locked."""
    now, asked = timezone.now(), _sums(reservations)
    for period, row in spending(tenant, now).items():
        if excess := _excess(row, _most(limits, period, asked), asked):
            raise used_up(excess, limits.plan, period, now)


def reserve(
    tenant: Tenant,
    reservations: Sequence[Reservation],
    *,
    limits: EffectiveLimits | None = None,
    now: datetime | None = None,
) -> None:
    """Reserve for new jobs of a tenant, all or none, in the transaction that makes them. Raises ApiError.

    Three statements, however many they are, and one for limits that are not known yet. The day goes before the month
    everywhere, so that no two wait for each other.
    """
    limits, now = limits or limits_of(tenant), now or timezone.now()
    day = day_of(tenant, now)
    asked = _sums(reservations)
    for period in (day, month_of(tenant, now)):
        _hold(tenant, period, asked, limits, now)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(tenant=tenant, kind=LedgerEntry.Kind.RESERVE, at=now, day=day.starts_on, **vars(each))
        for each in reservations
    )


def _sums(reservations: Sequence[Reservation]) -> dict[str, int]:
    return {"images": sum(each.images for each in reservations), "ms": sum(each.ms for each in reservations)}


def _hold(tenant: Tenant, period: Period, asked: dict[str, int], limits: EffectiveLimits, now: datetime) -> None:
    """Add to what the tenant holds reserved in this period. Raises ApiError when that would be more than it may."""
    row: OwnedQuerySet = Spending.objects.for_tenant(tenant).filter(period=period.kind, starts_on=period.starts_on)
    most = _most(limits, period, asked)
    fits = {f"reserved_{what}__lte": Value(limit - asked[what]) - F(f"spent_{what}") for what, limit in most.items()}
    more = {f"reserved_{what}": F(f"reserved_{what}") + amount for what, amount in asked.items()}
    while not row.filter(**fits).update(**more):
        fresh = Spending(tenant=tenant, period=period.kind, starts_on=period.starts_on)
        Spending.objects.bulk_create([fresh], ignore_conflicts=True)
        if excess := _excess(row.get(), most, asked):
            raise used_up(excess, limits.plan, period, now)
        # What was in the way is gone meanwhile, or the row was not there: now there is room.


def _most(limits: EffectiveLimits, period: Period, asked: dict[str, int]) -> dict[str, int]:
    """Return the limits of this period on what is asked for, in images and GPU-milliseconds."""
    said = {what: getattr(limits, f"{name}_per_{period.kind}") for what, (name, _) in LIMITED.items() if asked[what]}
    # What is more than a column holds is as good as the most that it does.
    return {what: min(limit * LIMITED[what][1], MOST) for what, limit in said.items() if limit is not None}


def _excess(spending: Spending, most: dict[str, int], asked: dict[str, int]) -> Excess | None:
    """Return what is asked for beyond these limits, if anything is."""
    for what, limit in most.items():
        used = getattr(spending, f"reserved_{what}") + getattr(spending, f"spent_{what}")
        if used + asked[what] > limit:
            name, unit = LIMITED[what]
            amounts = (each / unit if unit > 1 else each for each in (limit, used, asked[what]))
            return Excess(f"{name}_per_{spending.period}", *amounts)
    return None


def settle(tenant_id: str, charges: Sequence[Charge]) -> None:
    """Let go of what these jobs hold reserved and charge them, in the transaction that ends them.

    A charge counts for the day of its reservation. Two statements, and two for each such day. Jobs that are older than
    the ledger have nothing to settle. Raises IntegrityError for a job that was settled before.
    """
    owned = LedgerEntry.objects.for_tenant(tenant_id)
    jobs = [charge.job_id for charge in charges]
    held = {entry.job_id: entry for entry in owned.filter(kind=LedgerEntry.Kind.RESERVE, job_id__in=jobs)}
    ended = [(held[charge.job_id], charge) for charge in charges if charge.job_id in held]
    LedgerEntry.objects.bulk_create(_settlement(entry, charge) for entry, charge in ended)
    for (period, starts_on), changes in sorted(_changes(ended).items()):
        row = Spending.objects.for_tenant(tenant_id).filter(period=period, starts_on=starts_on)
        row.update(**{column: F(column) + change for column, change in changes.items()})


def _settlement(held: LedgerEntry, charge: Charge) -> LedgerEntry:
    of_the_job: dict[str, Any] = {"tenant_id": held.tenant_id, "day": held.day, "key_id": held.key_id}
    return LedgerEntry(kind=LedgerEntry.Kind.SETTLE, **of_the_job, **vars(charge))


def _changes(ended: Sequence[tuple[LedgerEntry, Charge]]) -> dict[tuple[str, date], dict[str, int]]:
    """Return what these charges change in which day and month; a day sorts before a month."""
    changes: dict[tuple[str, date], dict[str, int]] = {}
    for held, charge in ended:
        for period in ((Spending.Period.DAY, held.day), (Spending.Period.MONTH, month_begin(held.day))):
            sums = changes.setdefault(period, dict.fromkeys(COLUMNS, 0))
            sums["reserved_images"] -= held.images
            sums["reserved_ms"] -= held.ms
            sums["spent_images"] += charge.images
            sums["spent_ms"] += charge.ms
    return changes
