"""The dashboard's door to usage."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from generation.usage.chart import chart_of
from generation.usage.services import in_all, usage
from generation.usage.spans import MAX_DAYS, Span, span_of
from pages.requests import PageRequest
from quotas.meters import meters
from tenants.callers import caller_of
from tenants.models import Scope, Tenant
from wire.errors import ApiError

# By what, under which heading, and the head of the first column.
TABLES = (
    ("checkpoint", "By checkpoint", "Checkpoint"),
    ("lora", "By LoRA", "LoRA"),
    ("key", "By API key", "API key"),
)


@require_safe
def usage_page(request: PageRequest) -> HttpResponse:
    """Show what the tenant has used, by day, checkpoint, LoRA and key, and what it may use."""
    caller = caller_of(request)
    caller.require(Scope.READ)
    try:
        span, refusal = span_of(caller.tenant, request.GET), ""
    except ApiError as error:
        span, refusal = span_of(caller.tenant, {}), error.message
    context = _context(caller.tenant, span) | {"refusal": refusal}
    return render(request, "settings/usage.html", context, status=422 if refusal else 200)


def _context(tenant: Tenant, span: Span) -> dict[str, Any]:
    days = usage(tenant, span, "day")
    all_of_it = in_all(days)
    return {
        "span": span,
        "most_days": MAX_DAYS,
        "days": days,
        "chart": chart_of(days),
        "total": all_of_it,
        "tables": [(by, title, first, usage(tenant, span, by)) for by, title, first in TABLES],
        "standings": meters(tenant),
        "elsewhere": _elsewhere(all_of_it.images),
    }


def _elsewhere(images: int) -> dict[str, Any] | None:
    """Return what so many images would have cost by a cloud API's price per image, None where none is set."""
    price, currency = settings.CLOUD_PRICE
    return {"price": price, "currency": currency, "sum": (price * images).quantize(Decimal("0.01"))} if price else None


urlpatterns = [path("settings/usage", usage_page, name="usage")]
