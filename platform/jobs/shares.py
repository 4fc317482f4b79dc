"""How much of the GPU has each tenant had? Its share rises by what it claims, and is put right when that has ended.

A share counts GPU-milliseconds divided by the tenant's weight. Who comes to wait begins at the least of those who wait:
nobody saves up for later, and nobody pays for what it had while nobody else wanted it.
"""

from collections.abc import Iterable

from django.db.models import F, Max, Min
from django.db.models.functions import Greatest

from jobs.models import Job, Share, Status
from quotas.limits import limits_of
from tenants.isolation import for_everybody

LEAST_WEIGHT = 0.01  # a weight of nothing would never be served


def enter(model: type[Job], tenant_id: str, *, besides: str = "") -> None:
    """Let a tenant that has nothing waiting, besides this job, begin at the level of those that have."""
    waiting = model.objects.filter(status=Status.QUEUED, crashes=0).exclude(pk=besides)
    if waiting.for_tenant(tenant_id).exists():
        return
    with for_everybody():
        level = Share.objects.filter(tenant__in=waiting.values("tenant")).aggregate(least=Min("served"))["least"]
        if level is None:
            level = Share.objects.aggregate(most=Max("served"))["most"] or 0.0
    if not Share.objects.filter(pk=tenant_id).update(served=Greatest(F("served"), level)):
        Share.objects.get_or_create(pk=tenant_id, defaults={"served": level})


def follow(job: Job, was: str) -> None:
    """Count what a job takes that has just been claimed, or has just ended or been handed back."""
    if job.status == Status.RUNNING:
        _count(job.tenant_id, job.counted_ms)
    elif was == Status.RUNNING:
        _count(job.tenant_id, taken_ms(job) - job.counted_ms)


def taken_ms(job: Job) -> int:
    """Return what an attempt of a job took; what came to nothing, and was not measured, took nothing."""
    if job.status == Status.QUEUED:
        return 0
    return job.measured_ms or (job.counted_ms if job.status == Status.SUCCEEDED else 0)


def lift(tenant_ids: Iterable[str], level: float) -> None:
    """Let tenants that could not use their turn lose it. Those whose share somebody is changing have the next one."""
    behind = Share.objects.filter(pk__in=list(tenant_ids), served__lt=level)
    found = list(behind.select_for_update(skip_locked=True).values_list("pk", flat=True))
    if found:
        Share.objects.filter(pk__in=found).update(served=Greatest(F("served"), level))


def _count(tenant_id: str, ms: int) -> None:
    if ms:
        weight = max(limits_of(tenant_id).weight, LEAST_WEIGHT)
        Share.objects.filter(pk=tenant_id).update(served=F("served") + ms / weight)
