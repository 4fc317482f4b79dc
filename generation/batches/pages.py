"""The dashboard's doors to batches: what was asked together, how far it is, its pictures in one place."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from generation.batches import services
from generation.batches.services import find_batch
from generation.batches.tally import Tally, tallies, tally_of
from generation.models import Batch, GenerationJob
from jobs.models import TERMINAL
from pages.requests import PageRequest
from tenants.callers import caller_of
from tenants.models import Scope, Tenant
from wire.fields import whole_number
from wire.paging import page

PER_PAGE = "24"
LATE = timedelta(seconds=10)  # an end may be committed later than the time it bears


@require_safe
def batches(request: PageRequest) -> HttpResponse:
    """List the tenant's batches, newest first."""
    query = request.GET.copy()
    query["limit"] = PER_PAGE
    rows, has_more = page(Batch.objects.for_tenant(caller_of(request).tenant), query, "batch")
    context = {"rows": with_tallies(rows), "older": rows[-1].pk if has_more else None}
    return render(request, "generation/batches.html", context)


def with_tallies(rows: list[Batch]) -> list[tuple[Batch, Tally]]:
    """Return each batch with how far it is."""
    found = tallies(rows)
    return [(batch, found[batch.pk]) for batch in rows]


def being_made(tenant: Tenant) -> list[tuple[Batch, Tally]]:
    """Return the batches of which something waits or runs, newest first."""
    alive = GenerationJob.objects.for_tenant(tenant).exclude(batch=None).exclude(status__in=TERMINAL)
    return with_tallies(list(Batch.objects.filter(pk__in=alive.values("batch")).order_by("-pk")))


@require_safe
@vary_on_headers("HX-Request")
def batch(request: PageRequest, id: str) -> HttpResponse:
    """Show one batch; htmx, which asks again and again, gets its head and the cells that have changed since."""
    found = find_batch(caller_of(request).tenant, id)
    # Before the cells are read: what ends in between is shown again rather than missed.
    since = int((timezone.now() - LATE).timestamp())
    context: dict[str, Any] = {"batch": found, "tally": tally_of(found), "since": since}
    jobs: QuerySet[GenerationJob] = services.jobs_of(found)
    if not request.htmx:
        return render(request, "generation/batch.html", context | {"jobs": jobs})
    told = whole_number(request.GET.get("since"), "since", 0, 10**10 - 1) or 0
    changed = jobs.filter(completed_at__gte=datetime.fromtimestamp(told, UTC))
    return render(request, "generation/_batch_news.html", context | {"jobs": changed})


@require_POST
def cancel_batch(request: PageRequest, id: str) -> HttpResponse:
    """Cancel what is left of a batch."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    services.cancel_batch(find_batch(caller.tenant, id))
    return redirect("batch", id)


urlpatterns = [
    path("batches", batches, name="batches"),
    path("batches/<str:id>", batch, name="batch"),
    path("batches/<str:id>/cancel", cancel_batch, name="cancel_batch"),
]
