"""The dashboard's doors to generations: compose one, follow it, cancel it, call the API instead."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import reswap, retarget

from generation import gallery
from generation.batches import pages as batch_pages
from generation.batches.pages import being_made
from generation.forms import ComposeForm, settings_of
from generation.lora_picker import LoraPicker
from generation.models import GenerationJob
from generation.services import request_generation
from generation.views import find_generation, find_image
from jobs.models import Status
from jobs.services import cancel, has_ready_worker, positions
from loras.models import Checkpoint
from loras.services import base_checkpoints
from pages.requests import PageRequest
from tenants.callers import Caller, caller_of
from tenants.models import Scope, Tenant
from wire.ids import is_id

ALIVE = (Status.QUEUED, Status.RUNNING)
RECENT = 6  # finished generations below those that are being made


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def create(request: PageRequest) -> HttpResponse:
    """Show the form and what is being made; accept an order."""
    caller = caller_of(request)
    if request.method == "POST":
        return _accept(request, caller)
    picker, chosen = starting_point(caller.tenant, request.GET.get("from", ""))
    return _compose(request, caller, ComposeForm(picker, offered(), chosen=chosen))


def _accept(request: PageRequest, caller: Caller) -> HttpResponse:
    """Order what the form says; htmx gets the job's card or the form with its errors, a bare browser whole pages."""
    caller.require(Scope.GENERATE)
    form = ComposeForm(LoraPicker.posted(caller.tenant, request.POST), offered(), request.POST)
    if form.is_valid():
        job = request_generation(caller, form.order)
        return _card(request, job) if request.htmx else redirect("generation", job.pk)
    if not request.htmx:
        return _compose(request, caller, form, status=422)
    response = render(request, "generation/_composer.html", {"form": form}, status=422)
    return reswap(retarget(response, "#composer"), "outerHTML")


def _compose(request: PageRequest, caller: Caller, form: ComposeForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "cards": cards(caller.tenant, recent(caller.tenant)),
        "batches": being_made(caller.tenant),
        "ready": has_ready_worker(),
        "may_generate": Scope.GENERATE in caller.scopes,
    }
    return render(request, "generation/create.html", context, status=status)


@require_POST
def choose_loras(request: PageRequest) -> HttpResponse:
    """Add, remove or look for LoRAs in the form: htmx gets that part of it, a bare browser the whole as it was."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    picker = LoraPicker.posted(caller.tenant, request.POST)
    if request.htmx:
        return render(request, "generation/_loras.html", {"picker": picker})
    return _compose(request, caller, ComposeForm(picker, offered(), chosen=request.POST.dict()))


def offered() -> list[Checkpoint]:
    """Return the checkpoints that the form offers, the default first; before there is one, any SDXL's defaults."""
    return base_checkpoints() or [Checkpoint()]


def starting_point(tenant: Tenant, source: str) -> tuple[LoraPicker, dict[str, Any]]:
    """Return the LoRAs and settings of an image, its own seed included, or of a generation. Raises ApiError."""
    if not source:
        return LoraPicker(tenant), {}
    if not is_id(source, "img"):
        job = find_generation(tenant, source)
        return LoraPicker.of(job), settings_of(job)
    image = find_image(tenant, source)
    return LoraPicker.of(image.job), settings_of(image.job) | {"seed": image.seed, "n": 1}


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


def _card(request: PageRequest, job: GenerationJob) -> HttpResponse:
    fresh = find_generation(job.tenant, job.pk)
    return render(request, "generation/_card.html", {"card": cards(fresh.tenant, [fresh])[0]})


@require_safe
@vary_on_headers("HX-Request")
def generation(request: PageRequest, id: str) -> HttpResponse:
    """Show one generation: its card alone to htmx, which puts it in the place of the old one."""
    job = find_generation(caller_of(request).tenant, id)
    if request.htmx:
        return _card(request, job)
    context = {"card": cards(job.tenant, [job])[0], "job": job, "ready": has_ready_worker()}
    return render(request, "generation/generation.html", context)


@require_POST
def cancel_generation(request: PageRequest, id: str) -> HttpResponse:
    """Cancel a generation and show what has become of it."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    job = cancel(find_generation(caller.tenant, id))
    return _card(request, job) if request.htmx else redirect("generation", job.pk)


@require_safe
def worker_notice(request: PageRequest) -> HttpResponse:
    """Say, when it is so, that no worker is ready. The form asks again and again."""
    caller_of(request)
    return render(request, "generation/_worker.html", {"ready": has_ready_worker()})


@require_safe
def developers(request: PageRequest) -> HttpResponse:
    """Show how programs ask for pictures."""
    caller_of(request)
    context = {"url": settings.PUBLIC_URL, "checkpoint": offered()[0]}
    return render(request, "generation/developers.html", context)


urlpatterns = [
    path("", create, name="create"),
    path("generations/<str:id>", generation, name="generation"),
    path("generations/<str:id>/cancel", cancel_generation, name="cancel_generation"),
    path("loras", choose_loras, name="choose_loras"),
    path("worker-notice", worker_notice, name="worker_notice"),
    path("developers", developers, name="developers"),
    path("history", gallery.history, name="history"),
    path("images/<str:id>", gallery.image, name="image"),
    path("images/<str:id>/delete", gallery.delete, name="delete_image"),
    *batch_pages.urlpatterns,
]
