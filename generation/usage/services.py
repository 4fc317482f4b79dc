"""What has a tenant used, by day, key, LoRA or checkpoint? As the ledger settled it: sums equal the charges exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When

from generation.models import GenerationJob, GenerationLora
from generation.usage.spans import Span
from jobs.models import Status
from quotas.models import LedgerEntry
from tenants.models import ApiKey, Tenant

DASHBOARD, GONE = "The dashboard", "A key that was deleted"


@dataclass(frozen=True)
class Row:
    """What one day, key, LoRA or checkpoint came to. Times are GPU-milliseconds."""

    id: str
    name: str
    jobs: int
    images: int
    ms: int

    @property
    def seconds(self) -> float:
        """Return the GPU-seconds."""
        return self.ms / 1000


def usage(tenant: Tenant, span: Span, by: str) -> list[Row]:
    """Return what was used in these days, by one of WAYS: the days in their order, else the most expensive first.

    Two queries at most. A job counts for the day on which it was asked for, once it has ended. One with several LoRAs
    counts for each of them; with none, for no LoRA.
    """
    return WAYS[by](tenant, span)


def total(tenant: Tenant, span: Span) -> Row:
    """Return what all of it came to."""
    sums = _settled(tenant, span).aggregate(jobs=Count("pk"), images=Sum("images"), ms=Sum("ms"))
    return Row("", "", sums["jobs"], sums["images"] or 0, sums["ms"] or 0)


def in_all(rows: Sequence[Row]) -> Row:
    """Return what rows in which every job counts once come to together."""
    return Row("", "", sum(row.jobs for row in rows), sum(row.images for row in rows), sum(row.ms for row in rows))


def _settled(tenant: Tenant, span: Span) -> QuerySet[LedgerEntry]:
    owned = LedgerEntry.objects.for_tenant(tenant).filter(kind=LedgerEntry.Kind.SETTLE)
    return owned.filter(day__gte=span.first, day__lte=span.last)


def _summed(entries: QuerySet[Any], column: str) -> list[Any]:
    grouped = entries.order_by().values(group=F(column))
    return list(grouped.annotate(jobs=Count("pk"), all_images=Sum("images"), all_ms=Sum("ms")))


def _row(found: dict[str, Any], name: str) -> Row:
    return Row(str(found["group"]), name, found["jobs"], found["all_images"], found["all_ms"])


def _by_day(tenant: Tenant, span: Span) -> list[Row]:
    found = {each["group"]: each for each in _summed(_settled(tenant, span), "day")}
    return [_row(found[day], str(day)) if day in found else Row(str(day), str(day), 0, 0, 0) for day in span]


def _by_key(tenant: Tenant, span: Span) -> list[Row]:
    found = _summed(_settled(tenant, span), "key_id")
    keys = ApiKey.objects.for_tenant(tenant).filter(pk__in=[each["group"] for each in found])
    names = {"": DASHBOARD} | {key.pk: key.name for key in keys}
    return _dearest_first([_row(each, names.get(each["group"], GONE)) for each in found])


def _by_checkpoint(tenant: Tenant, span: Span) -> list[Row]:
    jobs = GenerationJob.objects.for_tenant(tenant).filter(pk__in=_settled(tenant, span).values("job_id"))
    return _of_jobs(jobs, "", "checkpoint_id", "checkpoint__name")


def _by_lora(tenant: Tenant, span: Span) -> list[Row]:
    settled = Q(job__tenant=tenant, job__in=_settled(tenant, span).values("job_id"))
    worn = GenerationLora.objects.filter(settled).exclude(weight=0)
    return _of_jobs(worn, "job__", "version__lora_id", "version__lora__name")


def _of_jobs(rows: QuerySet[Any], job: str, group: str, name: str) -> list[Row]:
    """Sum what the jobs of these rows were charged. What has ended is never changed, so it equals the ledger."""
    images = Case(
        When(**{f"{job}status": Status.SUCCEEDED}, then=F(f"{job}n")), default=Value(0), output_field=IntegerField()
    )
    grouped = rows.order_by().values(group=F(group), called=F(name))
    sums = {"jobs": Count(f"{job}pk"), "all_images": Sum(images), "all_ms": Sum(f"{job}charged_ms")}
    return _dearest_first([_row(each, each["called"]) for each in grouped.annotate(**sums)])


def _dearest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.ms, row.name))


WAYS: dict[str, Callable[[Tenant, Span], list[Row]]] = {
    "day": _by_day,
    "key": _by_key,
    "lora": _by_lora,
    "checkpoint": _by_checkpoint,
}
