"""What does a change of plans and limits leave behind? A line in the audit with what held before and what holds now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from quotas.models import Allowance, Plan
from tenants import audit
from tenants.models import Tenant


@dataclass(frozen=True)
class By:
    """Who changes something, and from where."""

    actor: str
    address: str = ""


def record_plan(plan: Plan, changed: Iterable[str], before: dict[str, Any], by: By) -> None:
    """Write down that a plan's limits have changed; it may be many tenants', so it is nobody's line."""
    after = {name: getattr(plan, name) for name in changed}
    _record("limits.changed", None, plan.name, {name: before.get(name) for name in after}, after, by)


def record_allowance(tenant: Tenant, before: dict[str, Any], after: dict[str, Any], by: By) -> None:
    """Write down that a tenant has another plan, or is granted other limits: only what differs, for its owners."""
    differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    for action, names in (("plan.changed", differing & {"plan"}), ("limits.changed", differing - {"plan"})):
        if names:
            old, new = ({name: facts.get(name) for name in sorted(names)} for facts in (before, after))
            _record(action, tenant, tenant.name, old, new, by)


def granted(allowance: Allowance | None) -> dict[str, Any]:
    """Return what an allowance says, the plan by its name; nothing for none."""
    if allowance is None:
        return {}
    names = [field.name for field in allowance._meta.concrete_fields if field.name not in ("tenant", "plan")]
    said = {name: value for name in names if (value := getattr(allowance, name)) is not None}
    return said | ({"plan": allowance.plan.name} if allowance.plan else {})


def make_default(plan: Plan, by: By) -> None:
    """Let tenants without a plan of their own have this one."""
    with transaction.atomic():
        old = Plan.objects.select_for_update().filter(is_default=True).first()
        Plan.objects.filter(is_default=True).exclude(pk=plan.pk).update(is_default=False)
        Plan.objects.filter(pk=plan.pk).update(is_default=True)
        _record("plan.changed", None, "by default", {"plan": old.name if old else None}, {"plan": plan.name}, by)


def _record(
    action: str, tenant: Tenant | None, subject: str, before: dict[str, Any], after: dict[str, Any], by: By
) -> None:
    detail = {"before": before, "after": after}
    audit.record(action, tenant=tenant, actor=by.actor, subject=subject, detail=detail, address=by.address)
