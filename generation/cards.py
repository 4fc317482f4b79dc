"""Which generations does a page show as cards, and with what beside them?"""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from generation.models import GenerationJob
from generation.views import find_generation
from jobs.models import Status
from jobs.services import positions
from pages.requests import PageRequest
from tenants.models import Tenant

ALIVE = (Status.QUEUED, Status.RUNNING)
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
    """Return each job with its place in the queue, None unless it waits."""
    places = positions(GenerationJob, tenant)
    return [{"job": job, "position": places.get(job.pk), "places": range(job.n)} for job in jobs]


def card_of(request: PageRequest, job: GenerationJob) -> HttpResponse:
    """Answer with the card of a generation as it is now."""
    fresh = find_generation(job.tenant, job.pk)
    return render(request, "generation/_card.html", {"card": cards(fresh.tenant, [fresh])[0]})
