"""What waits and what runs, of which tenants? Counted from the index of what waits, for the claim and the forecast."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from jobs.models import LEAST_MS, Job, Share, Status
from jobs.shares import LEAST_WEIGHT
from jobs.tiers import RANKS, late_before, rank_of
from quotas.limits import EffectiveLimits, limits_of_all
from tenants.isolation import for_everybody

FLEX = max(RANKS.values())
# As `Job.counted_ms`, in the database.
COUNTED_MS = Greatest("estimated_ms", Value(LEAST_MS))
OF_THE_RUNNING = ("tenant_id", "estimated_ms", "progress_step", "progress_steps")


@dataclass(frozen=True)
class Line:
    """The waiting jobs of one tenant that agree in tier and large weights."""

    tenant_id: str
    tier: str
    affinity: str
    oldest_at: datetime
    jobs: int
    ms: int

    @property
    def rank(self) -> int:
        """Return how many tiers go before the oldest of them."""
        return rank_of(self.tier, self.oldest_at)


@dataclass
class Standing:
    """How one tenant stands: what it waits for, what is being made for it, and how much of the GPU it has had."""

    tenant_id: str
    limits: EffectiveLimits
    lines: list[Line] = field(default_factory=list)
    running_jobs: int = 0
    running_ms: float = 0.0  # what is left of them
    served: float = 0.0  # GPU-milliseconds divided by its weight
    is_suspended: bool = False

    @property
    def weight(self) -> float:
        """Return its share of the GPU beside others'."""
        return max(self.limits.weight, LEAST_WEIGHT)

    @property
    def rank(self) -> int:
        """Return how many tiers go before what it wants most."""
        return min(line.rank for line in self.lines)

    @property
    def may_run_more(self) -> bool:
        """Return whether it may have one more job running; what a suspended tenant waits for, waits on."""
        if self.is_suspended:
            return False
        return self.limits.running_jobs is None or self.running_jobs < self.limits.running_jobs

    def waiting_ms(self, most_rank: int = FLEX) -> float:
        """Return what waits for it in tiers up to this one."""
        return float(sum(line.ms for line in self.lines if line.rank <= most_rank))

    def waiting_jobs(self, most_rank: int = FLEX) -> int:
        """Return how many of its jobs wait in tiers up to this one."""
        return sum(line.jobs for line in self.lines if line.rank <= most_rank)


def lines_of(model: type[Job]) -> list[Line]:
    """Return what waits, suspects apart. One query, which reads an index alone."""
    return [Line(**row) for row in grouped(model)]


def grouped(model: type[Job]) -> QuerySet[Any, Any]:
    """Return the query of what waits."""
    waiting = model.objects.filter(status=Status.QUEUED, crashes=0).order_by()
    lines: QuerySet[Any, Any] = waiting.values("tenant_id", "tier", "affinity").annotate(
        oldest_at=Min("created_at"), jobs=Count("*"), ms=Sum(COUNTED_MS)
    )
    return lines


def late_before_each(model: type[Job]) -> defaultdict[str, datetime]:
    """Return of each tenant by when its job must be wanted to be late if it came last. One query, as `lines_of`."""
    waiting: Counter[str] = Counter()
    for line in lines_of(model):
        waiting[line.tenant_id] += line.ms
    each = {tenant_id: late_before(float(ms), len(waiting)) for tenant_id, ms in waiting.items()}
    return defaultdict(timezone.now, each)  # of whom suspects alone wait, nothing comes last of more


def standings(model: type[Job], also: Iterable[str] = ()) -> dict[str, Standing]:
    """Return how each tenant stands that waits or runs, and these besides. Four queries, however many they are."""
    with for_everybody():
        lines = lines_of(model)
        running = list(model.objects.filter(status=Status.RUNNING).only(*OF_THE_RUNNING))
        ids = {line.tenant_id for line in lines} | {job.tenant_id for job in running} | set(also)
        limits = limits_of_all(sorted(ids))
        found = {tenant_id: Standing(tenant_id, limits[tenant_id]) for tenant_id in ids}
        for share in Share.objects.filter(pk__in=ids).select_related("tenant"):
            found[share.pk].served, found[share.pk].is_suspended = share.served, bool(share.tenant.suspended_at)
    for line in lines:
        found[line.tenant_id].lines.append(line)
    for job in running:
        found[job.tenant_id].running_jobs += 1
        found[job.tenant_id].running_ms += job.counted_ms * (1 - job.progress_part)
    return found
