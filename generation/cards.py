"""Which generations does a page show as cards, and with what beside them?"""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from generation.models import GenerationJob
from generation.views import find_generation
from jobs.models import Status
from jobs.prospects import Prospect, prospects
from pages.requests import PageRequest
from tenants.models import Tenant

ALIVE = (Status.QUEUED, Status.RUNNING)
# Of the reasons to wait, what its place and the page's notice of workers do not say already.
NOTED = ("running_limit", "runs_alone", "flex_waits", "deadline_at_risk")
SHORTLY_SECONDS = 5
RECENT = 6  # finished generations below those that are being made


def recent(tenant: Tenant) -> list[GenerationJob]:
    """Return what is being made and what was made last, newest first; batches have pages of their own."""
    single = GenerationJob.objects.for_tenant(tenant).filter(batch=None)
    owned = single.select_related("checkpoint").prefetch_related("images", "loras")
    # Two queries with an index each: those alive by their state, the finished ones backwards through the newest. In
    # this order: what finishes between them is found twice instead of not at all.
    found = [*owned.filter(status__in=ALIVE), *owned.exclude(status__in=ALIVE).order_by("-pk")[:RECENT]]
    jobs = {job.pk: job for job in found}
    return [jobs[pk] for pk in sorted(jobs, reverse=True)]


def cards(tenant: Tenant, jobs: list[GenerationJob]) -> list[dict[str, Any]]:
    """Return each job with how it stands in the queue, None unless it waits."""
    waiting = [job.pk for job in jobs if job.status == Status.QUEUED]
    found = prospects(GenerationJob, tenant.pk, waiting) if waiting else {}
    return [{"job": job, "places": range(job.n), **_waiting(found.get(job.pk))} for job in jobs]


def _waiting(prospect: Prospect | None) -> dict[str, Any]:
    """Return what a card says of a job that waits."""
    if prospect is None:
        return {}
    notes = [reason.message for reason in prospect.reasons if reason.code in NOTED]
    return {"prospect": prospect, "done": done_in(prospect.eta_p50), "notes": notes}


def done_in(eta: datetime | None) -> str:
    """Return in how long a job will be done, as a reader counts; live.js says the same as time goes by."""
    if eta is None:
        return ""
    seconds = round((eta - timezone.now()).total_seconds())
    if seconds < SHORTLY_SECONDS:
        return ", done in a few seconds"
    units = ((90, 1, "s"), (90 * 60, 60, "min"), (float("inf"), 3600, "h"))
    size, unit = next((size, unit) for limit, size, unit in units if seconds < limit)
    return f", done in about {round(seconds / size)} {unit}"


def card_of(request: PageRequest, job: GenerationJob) -> HttpResponse:
    """Answer with the card of a generation as it is now."""
    fresh = find_generation(job.tenant, job.pk)
    return render(request, "generation/_card.html", {"card": cards(fresh.tenant, [fresh])[0]})
