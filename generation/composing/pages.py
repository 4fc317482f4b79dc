"""The dashboard's doors to what is asked for: compose it, put pictures and weights into the form, order it."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import reswap, retarget, trigger_client_event

from generation.batches.pages import being_made
from generation.cards import card_of, cards, recent
from generation.composing import again, composition
from generation.composing.filling import refilled, usual_size
from generation.composing.form import ComposeForm
from generation.composing.given import SIZE_OF_THE_START, with_ids
from generation.quoting.services import estimate
from generation.services import request_generation
from jobs.services import has_ready_worker
from loras.services import base_checkpoints
from pages.requests import PageRequest
from tenants.callers import Caller, caller_of
from tenants.models import Scope

UNSAID = "a picture"  # no prompt changes what a picture costs


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def create(request: PageRequest) -> HttpResponse:
    """Show the form and what is being made; accept an order."""
    caller = caller_of(request)
    if request.method == "POST":
        return _accept(request, caller)
    begun, chosen = _beginning(caller, request.GET)
    return _compose(request, caller, ComposeForm(begun, chosen=chosen))


def _beginning(caller: Caller, asked: QueryDict) -> again.Beginning:
    """Return what the form begins with: nothing, an earlier one's settings, or a picture. Raises ApiError."""
    if source := asked.get("from"):
        return again.use_again(caller, source)
    if start := asked.get("start"):
        return again.begin_from(caller, start)
    return composition.blank(caller, {}), {}


def _accept(request: PageRequest, caller: Caller) -> HttpResponse:
    """Order what the form says; htmx gets the job's card or the form with its errors, a bare browser whole pages."""
    caller.require(Scope.GENERATE)
    data, refusals = with_ids(caller.tenant, request.POST, request.FILES)
    composed = composition.posted(caller, data)
    if _is_new_start(data, request.POST) and data.get("size") in ("", None, usual_size(composed.base)):
        data["size"] = SIZE_OF_THE_START  # the usual one stands in a form where nobody chose
    form = ComposeForm(composed, data, refusals=refusals)
    if form.is_valid():
        job = request_generation(caller, form.order)
        return card_of(request, job) if request.htmx else redirect("generation", job.pk)
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
    }
    return render(request, "generation/create.html", context, status=status)


@require_POST
def change(request: PageRequest, part: str) -> HttpResponse:
    """Do what a button in one part of the form says: htmx gets that part, a bare browser the whole as it was."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    data, refusals = with_ids(caller.tenant, request.POST, request.FILES)
    data = _changed(caller, data, request.POST, part)
    form = ComposeForm(composition.posted(caller, data), chosen=data.dict(), refusals=refusals)
    status = 422 if refusals else 200
    if request.htmx:
        response = render(request, "generation/_changed.html", {"form": form, "part": part}, status=status)
        return trigger_client_event(response, "composed", after="settle")  # and so its cost
    return _compose(request, caller, form, status=status)


@require_POST
def cost(request: PageRequest) -> HttpResponse:
    """Say what the form as it stands would cost, and when it would be done; nothing while it would be refused."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    data = request.POST.copy()
    data["prompt"] = data.get("prompt", "").strip() or UNSAID
    form = ComposeForm(composition.posted(caller, data), data)
    if not form.is_valid():
        return HttpResponse()
    return render(request, "generation/_cost.html", {"estimate": estimate(caller, form.order)})


def _changed(caller: Caller, data: QueryDict, before: QueryDict, part: str) -> QueryDict:
    """Return what the form says when the button is pressed; a new start picture brings its size."""
    if "remove_start" in data:
        data.update({"init_image": "", "mask": ""})
    elif "remove_mask" in data:
        data["mask"] = ""
    if _is_new_start(data, before):
        data["size"] = SIZE_OF_THE_START
    if part == "settings":
        for name, value in refilled(data, base_checkpoints(caller)).items():
            data[name] = value
    return data


def _is_new_start(data: QueryDict, before: QueryDict) -> bool:
    """Return whether a start picture came with this form."""
    return bool(data.get("init_image")) and data["init_image"] != before.get("init_image")


urlpatterns = [
    path("", create, name="create"),
    path("cost", cost, name="cost"),
    *(path(part, change, {"part": part}, name=f"choose_{part}") for part in ("loras", "start", "controls", "settings")),
]
