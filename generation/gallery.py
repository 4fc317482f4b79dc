"""The dashboard's doors to what was made: the history, and a page for each image."""

import json
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from generation.image_views import find_image
from generation.inputs import inputs_of
from generation.models import GenerationJob, Image
from generation.services import delete_image
from jobs.models import Status
from pages.requests import PageRequest
from tenants.callers import caller_of
from tenants.models import Scope, Tenant
from wire.paging import page

PER_PAGE = "24"
UNMADE = (Status.FAILED, Status.CANCELLED)


@require_safe
@vary_on_headers("HX-Request")
def history(request: PageRequest) -> HttpResponse:
    """Show the tenant's images, or with ?show= its failed or cancelled generations; newest first."""
    tenant = caller_of(request).tenant
    show = request.GET.get("show", "")
    query = request.GET.copy()
    query["limit"] = PER_PAGE
    listed: QuerySet[Any] = _unmade(tenant, show) if show in UNMADE else _images(tenant)
    rows, has_more = page(listed, query, "gen" if show in UNMADE else "img")
    part = "generation/_unmade.html" if show in UNMADE else "generation/_thumbnails.html"
    context = {"show": show, "part": part, "rows": rows, "older": rows[-1].pk if has_more else None}
    return render(request, part if request.htmx else "generation/history.html", context)


def _images(tenant: Tenant) -> QuerySet[Image]:
    return Image.objects.for_tenant(tenant).select_related("job").prefetch_related("job__loras")


def _unmade(tenant: Tenant, status: str) -> QuerySet[GenerationJob]:
    return GenerationJob.objects.for_tenant(tenant).filter(status=status).prefetch_related("loras")


@require_safe
def image(request: PageRequest, id: str) -> HttpResponse:
    """Show one image with everything that is known of it."""
    tenant = caller_of(request).tenant
    found = find_image(tenant, id)
    job = found.job
    context = {
        "image": found,
        "job": job,
        "inputs": inputs_of(job),
        "siblings": job.images.order_by("index"),
        "newer": _images(tenant).filter(pk__gt=found.pk).order_by("pk").first(),
        "older": _images(tenant).filter(pk__lt=found.pk).order_by("-pk").first(),
        "receipt": json.dumps(found.receipt, indent=2),
    }
    return render(request, "generation/image.html", context)


@require_POST
def delete(request: PageRequest, id: str) -> HttpResponse:
    """Delete an image for good."""
    caller = caller_of(request)
    caller.require(Scope.GENERATE)
    delete_image(find_image(caller.tenant, id))
    messages.success(request, "The picture is deleted.")
    return redirect("history")
