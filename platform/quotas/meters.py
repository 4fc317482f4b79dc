"""How are a tenant's limits shown to people? What is used of how much, as a bar where there is an end to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from quotas.refusals import in_bytes, rounded_up
from quotas.standing import Standing, standings
from tenants.models import Tenant

LABELS = {
    "images_per_day": "Images today",
    "images_per_month": "Images this month",
    "gpu_seconds_per_day": "GPU-seconds today",
    "gpu_seconds_per_month": "GPU-seconds this month",
    "running_jobs": "Jobs running",
    "queued_jobs": "Jobs waiting",
    "storage_bytes": "Storage",
    "loras": "LoRAs of your own",
    "requests_per_minute": "Requests a minute",
    "max_n": "Images of one request",
    "max_steps": "Steps",
    "max_pixels": "Pixels of an image",
}
TIGHT_PERCENT = 90


@dataclass(frozen=True)
class Meter:
    """One limit, in words."""

    label: str
    said: str
    percent: int | None = None  # None: nothing that fills up
    more: str = ""

    @property
    def is_tight(self) -> bool:
        """Return whether little is left."""
        return self.percent is not None and self.percent >= TIGHT_PERCENT


def meters(tenant: Tenant, *, now: datetime | None = None) -> list[Meter]:
    """Return how the tenant stands with its limits: what is counted, then what is the most of one request."""
    known = {standing.name: standing for standing in standings(tenant, now=now)}
    shown = [known[name] for name in LABELS]
    return [_meter(each) for each in shown if each.used is not None or each.limit is not None]


def _meter(standing: Standing) -> Meter:
    amount: Callable[[float], str] = in_bytes if standing.name == "storage_bytes" else _amount
    label, limit = LABELS[standing.name], standing.limit
    if standing.used is None:
        return Meter(label, f"{amount(limit or 0)} at most")
    gone = standing.used + (standing.reserved or 0)
    if limit is None:
        return Meter(label, f"{amount(gone)}, no limit", more=_more(standing, amount))
    percent = min(100, round(100 * gone / limit)) if limit else 100
    return Meter(label, f"{amount(gone)} of {amount(limit)}", percent, _more(standing, amount))


def _more(standing: Standing, amount: Callable[[float], str]) -> str:
    """Return what is reserved of it, and when it begins anew."""
    reserved = f"{amount(standing.reserved)} of them reserved for jobs that wait or run. " if standing.reserved else ""
    if standing.period is None or standing.limit is None:
        return reserved.strip()
    return f"{reserved}Begins anew {standing.period.end}."


def _amount(number: float) -> str:
    return rounded_up(number).replace(",", "\N{NARROW NO-BREAK SPACE}")
