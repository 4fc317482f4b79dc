"""When will a job start, and when will it have finished, as far as can be told from what waits and runs now?

As if work flowed: a tenant is served at the rate of its weight beside the others', each of whom asks for no more than
it waits for. Nothing of another tenant shows but how long it takes.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.db.models import Avg

from jobs.backlog import FLEX, Standing, standings
from jobs.models import Job, Tier
from jobs.services import ready_workers
from jobs.tiers import RANKS
from quotas.models import CostRate
from tenants.models import Tenant

USUAL_SPREAD = 0.25  # of how long work takes, before anything was measured: a mean deviation of the logarithm
# Of a normal distribution: the deviation that nine of ten stay below, and the standard one, in mean deviations.
NINE_OF_TEN, STANDARD_DEVIATION = 1.2816, math.sqrt(math.pi / 2)
RING_SECONDS = 2.0  # a ring may be lost: then a worker looks by itself


@dataclass(frozen=True)
class Forecast:
    """Seconds from now: what is as likely to be earlier as later, and what nine of ten are earlier than."""

    start_p50: float
    start_p90: float
    finish_p50: float
    finish_p90: float


def forecast(model: type[Job], tenant: Tenant | str, estimated_ms: int, tier: str = Tier.STANDARD) -> Forecast:
    """Return when a job that was asked for now would start and finish, as if a worker were ready should none be.

    Six queries.
    """
    tenant_id = tenant if isinstance(tenant, str) else tenant.pk
    return Outlook.of(model, tenant_id).new_job(estimated_ms, tier)


@dataclass(frozen=True)
class Outlook:
    """What one tenant can expect: how it stands, how the others stand, how many tenants have something waiting, and how
    many workers are ready."""

    own: Standing
    others: tuple[Standing, ...]
    waiting: int
    workers: int
    spread: float

    @classmethod
    def of(cls, model: type[Job], tenant_id: str) -> "Outlook":
        """Look at what waits and runs now."""
        found = standings(model, [tenant_id])
        waiting = sum(bool(standing.lines) for standing in found.values())
        own = found.pop(tenant_id)
        found = {each: standing for each, standing in found.items() if not standing.is_suspended}
        if not own.lines:  # so it will begin beside those that wait
            own.served = max(own.served, min((each.served for each in found.values() if each.lines), default=0.0))
        spread = CostRate.objects.filter(measured__gt=0).aggregate(usual=Avg("spread"))["usual"]
        return cls(own, tuple(found.values()), waiting, ready_workers(), USUAL_SPREAD if spread is None else spread)

    def new_job(self, estimated_ms: float, tier: str) -> Forecast:
        """Forecast a job that comes behind all of its tenant's of its tier."""
        rank = RANKS[Tier(tier)]
        return self.forecast(self.own.waiting_ms(rank), self.own.waiting_jobs(rank), estimated_ms, tier)

    def forecast(
        self, ahead_ms: float, ahead_jobs: int, estimated_ms: float, tier: str, waited_seconds: float = 0.0
    ) -> Forecast:
        """Forecast a job before which this much of its own tenant's waiting work comes."""
        late = max(0, ahead_jobs + self.own.running_jobs + 1 - self.places)  # so many must end before it starts
        before = self.own.running_ms + ahead_ms
        until_start = before * late / max(1, ahead_jobs + self.own.running_jobs)
        start = self._seconds(until_start, tier, waited_seconds) if late else self._flex_wait(tier, waited_seconds)
        finish = max(self._seconds(before + estimated_ms, tier, waited_seconds), start + estimated_ms / 1000)
        return Forecast(start, start * self.margin + RING_SECONDS, finish, finish * self.margin + RING_SECONDS)

    @cached_property
    def margin(self) -> float:
        """Return how many times as long it takes as usual, at worst in nine cases of ten."""
        return math.exp(NINE_OF_TEN * STANDARD_DEVIATION * self.spread)

    @property
    def places(self) -> int:
        """Return how many of the tenant's jobs can run side by side beside the others'."""
        tenants = 1 + len(self.others)
        part = max(1, settings.JOBS_AT_ONCE // tenants) * max(1, self.workers)
        cap = self.own.limits.running_jobs
        return part if cap is None else max(1, min(part, cap))

    def _seconds(self, own_ms: float, tier: str, waited_seconds: float) -> float:
        """Return in how many seconds the tenant will have been served this much."""
        in_turn = self._work(own_ms, patient=False)
        if tier != Tier.FLEX:
            return in_turn
        aged = max(0.0, settings.FLEX_WAIT_SECONDS - waited_seconds)
        return min(self._work(own_ms, patient=True), aged + in_turn)

    def _flex_wait(self, tier: str, waited_seconds: float) -> float:
        """Return how long a flex job with a free place waits for others' jobs that are none."""
        return self._seconds(0.0, tier, waited_seconds) if tier == Tier.FLEX else 0.0

    def _work(self, own_ms: float, *, patient: bool) -> float:
        """Return how many seconds it takes to serve this much with what is served beside it; or before it, if the
        tenant's is patient."""
        beside = own_ms + sum(self._beside(other, own_ms, patient=patient) for other in self.others)
        return beside / 1000 / max(1, self.workers)

    def _beside(self, other: Standing, own_ms: float, *, patient: bool) -> float:
        urgent = other.running_ms + other.waiting_ms(FLEX - 1)
        lead = max(0.0, self.own.served - other.served) if other.lines else 0.0  # it has had less, and goes first
        turn = other.weight * (own_ms / self.own.weight + lead)
        if not patient:
            return min(urgent, turn)
        return urgent + min(other.waiting_ms() - other.waiting_ms(FLEX - 1), turn)
