"""The dashboard's doors to generations: follow one, cancel it, call the API instead."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from generation import gallery
from generation.batches import pages as batch_pages
from generation.cards import card_of, cards
from generation.composing import pages as composing_pages
from generation.usage import pages as usage_pages
from generation.views import find_generation
from jobs.services import cancel, has_ready_worker
from loras.models import Checkpoint
from loras.services import base_checkpoints
from pages.requests import PageRequest
from tenants.callers import caller_of
from tenants.models import Scope


@require_safe
@vary_on_headers("HX-Request")
def generation(request: PageRequest, id: str) -> HttpResponse:
    """Show one generation: its card alone to htmx, which puts it in the place of the old one."""
    job = find_generation(caller_of(request).tenant, id)
    if request.htmx:
        return card_of(request, job)
    context = {"card": cards(job.tenant, [job])[0], "job": job, "ready": has_ready_worker()}
    return render(request, "generation/generation.html", context)


@require_POST
def cancel_generation(request: PageRequest, id: str) -> HttpResponse:
    """Cancel a generation and show what has become of it."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    job = cancel(find_generation(caller.tenant, id))
    return card_of(request, job) if request.htmx else redirect("generation", job.pk)


@require_safe
def worker_notice(request: PageRequest) -> HttpResponse:
    """Say, when it is so, that no worker is ready. The form asks again and again."""
    caller_of(request)
    return render(request, "generation/_worker.html", {"ready": has_ready_worker()})


@require_safe
def developers(request: PageRequest) -> HttpResponse:
    """Show how programs ask for pictures."""
    bases = base_checkpoints(caller_of(request))
    context = {"url": settings.PUBLIC_URL, "checkpoint": (bases or [Checkpoint()])[0]}
    return render(request, "generation/developers.html", context)


urlpatterns = [
    path("generations/<str:id>", generation, name="generation"),
    path("generations/<str:id>/cancel", cancel_generation, name="cancel_generation"),
    path("worker-notice", worker_notice, name="worker_notice"),
    path("developers", developers, name="developers"),
    path("history", gallery.history, name="history"),
    path("images/<str:id>", gallery.image, name="image"),
    path("images/<str:id>/delete", gallery.delete, name="delete_image"),
    *composing_pages.urlpatterns,
    *batch_pages.urlpatterns,
    *usage_pages.urlpatterns,
]
