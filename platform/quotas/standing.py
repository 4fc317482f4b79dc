"""How does a tenant stand with each of its limits: what is used, what is reserved, what is left, and until when?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from quotas import storage
from quotas.limits import NAMES, EffectiveLimits, limits_of
from quotas.models import Spending
from quotas.periods import Period, day_of, month_of
from tenants.models import Tenant

# In images or GPU-seconds a day or a month: by the columns of Spending, and their unit.
SPENT = {
    "images_per_day": ("images", 1),
    "images_per_month": ("images", 1),
    "gpu_seconds_per_day": ("ms", 1000),
    "gpu_seconds_per_month": ("ms", 1000),
}


@dataclass(frozen=True)
class Standing:
    """One limit. What is None is not limited, not counted, or does not begin anew."""

    name: str
    limit: int | None
    used: float | None = None
    reserved: float | None = None
    period: Period | None = None

    @property
    def remaining(self) -> float | None:
        """Return what is left of it."""
        if self.limit is None or self.used is None:
            return None
        return max(0, self.limit - self.used - (self.reserved or 0))


def standings(tenant: Tenant, *, now: datetime | None = None) -> list[Standing]:
    """Return how the tenant stands with every limit. A few queries, however much there is."""
    limits, spent = limits_of(tenant), spending(tenant, now or timezone.now())
    counts = {name: counter(tenant.pk) for name, counter in _counters().items()}
    counts["storage_bytes"] = storage.used_bytes(tenant)
    others = [
        Standing(name, getattr(limits, name), used=counts.get(name))
        for name in NAMES
        if name not in SPENT and name != "weight"
    ]
    return [spent_of(name, limits, spent) for name in SPENT] + others


def spending(tenant: Tenant, now: datetime) -> dict[Period, Spending]:
    """Return what the tenant has used and holds reserved, today and this month. One query."""
    periods = [day_of(tenant, now), month_of(tenant, now)]
    dates = [period.starts_on for period in periods]
    rows = {(row.period, row.starts_on): row for row in Spending.objects.for_tenant(tenant).filter(starts_on__in=dates)}
    return {period: rows.get((period.kind, period.starts_on), Spending(period=period.kind)) for period in periods}


def spent_of(name: str, limits: EffectiveLimits, spent: dict[Period, Spending]) -> Standing:
    """Return how one limit of a day or a month stands."""
    what, unit = SPENT[name]
    period, row = next((period, row) for period, row in spent.items() if name.endswith(f"per_{period.kind}"))
    amounts = (getattr(row, f"{kind}_{what}") for kind in ("spent", "reserved"))
    used, reserved = amounts if unit == 1 else (amount / unit for amount in amounts)  # images are counted
    return Standing(name, getattr(limits, name), used, reserved, period)


def running(tenant: Tenant) -> int:
    """Return how many jobs of the tenant's run."""
    return _counters()["running_jobs"](tenant.pk)


def _counters() -> dict[str, Callable[[str], int]]:
    """Return who counts what the rooms above have, of which this one knows nothing."""
    return {name: import_string(path) for name, path in settings.LIMIT_COUNTERS.items()}
