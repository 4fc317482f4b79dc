"""What may a tenant use? What an operator grants it, else what its plan says, else as much as it likes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db.models import F, Q, Value

from quotas.models import Allowance, Plan
from tenants.callers import Caller
from tenants.models import Tenant

NO_PLAN = "none"
KNOWN = "known_limits"  # on a caller, which lives as long as a request


@dataclass(frozen=True)
class EffectiveLimits:
    """What holds for one tenant; None is no limit."""

    plan: str = NO_PLAN
    images_per_day: int | None = None
    images_per_month: int | None = None
    gpu_seconds_per_day: int | None = None
    gpu_seconds_per_month: int | None = None
    training_minutes_per_month: int | None = None
    running_jobs: int | None = None
    queued_jobs: int | None = None
    storage_bytes: int | None = None
    loras: int | None = None
    requests_per_minute: int | None = None
    max_pixels: int | None = None
    max_steps: int | None = None
    max_n: int | None = None
    weight: float = 1.0


NAMES = tuple(field.name for field in fields(EffectiveLimits) if field.name != "plan")


def limits_of(tenant: Tenant | str) -> EffectiveLimits:
    """Return what holds for this tenant. One query."""
    tenant_id = tenant if isinstance(tenant, str) else tenant.pk
    return limits_of_all([tenant_id])[tenant_id]


def limits_for(caller: Caller) -> EffectiveLimits:
    """Return what holds for a caller's tenant, as it was when first asked in this request: who asks for pictures is
    measured against it three times, for one query."""
    if KNOWN not in vars(caller):
        vars(caller)[KNOWN] = limits_of(caller.tenant)
    known: EffectiveLimits = vars(caller)[KNOWN]
    return known


def limits_of_all(tenant_ids: Iterable[str]) -> dict[str, EffectiveLimits]:
    """Return what holds for each of these tenants. One query, however many they are."""
    ids = list(tenant_ids)
    rows = _rows(ids)
    plans = {row["of_plan"]: row for row in rows if not row["owner"]}
    default = next((row for row in plans.values() if row["is_usual"]), None)
    granted = {row["owner"]: row for row in rows if row["owner"]}
    return {tenant_id: _effective(granted.get(tenant_id), plans, default) for tenant_id in ids}


def running_caps(tenant_ids: Iterable[str]) -> dict[str, int]:
    """Return how many jobs may run at once, of those tenants for whom that is limited. One query."""
    limits = limits_of_all(tenant_ids)
    return {tenant_id: each.running_jobs for tenant_id, each in limits.items() if each.running_jobs is not None}


def _rows(tenant_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return these tenants' allowances, and the plans that any of them may be under, in one shape."""
    allowances = Allowance.objects.filter(tenant__in=tenant_ids)
    plans = Plan.objects.filter(Q(is_default=True) | Q(pk__in=allowances.values("plan")))
    granted = allowances.annotate(
        owner=F("tenant_id"), of_plan=F("plan_id"), called=Value(""), is_usual=Value(False)
    ).values("owner", "of_plan", "called", "is_usual", *NAMES)
    offered = plans.annotate(owner=Value(""), of_plan=F("id"), called=F("name"), is_usual=F("is_default")).values(
        "owner", "of_plan", "called", "is_usual", *NAMES
    )
    return list(granted.union(offered, all=True))


def _effective(
    granted: dict[str, Any] | None, plans: dict[str, dict[str, Any]], default: dict[str, Any] | None
) -> EffectiveLimits:
    plan = plans.get(granted["of_plan"], default) if granted else default
    sources = [source for source in (granted, plan) if source]
    said: dict[str, Any] = {
        name: next((source[name] for source in sources if source[name] is not None), None) for name in NAMES
    }
    said["weight"] = 1.0 if said["weight"] is None else said["weight"]
    return EffectiveLimits(plan=plan["called"] if plan else NO_PLAN, **said)
