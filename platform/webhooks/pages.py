"""The dashboard's door to webhooks: who hears of what, how deliveries went, and how a receiver checks them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from tenants.callers import Caller, caller_of
from tenants.models import Scope, Tenant
from webhooks import services
from webhooks.forms import EndpointForm
from webhooks.models import Delivery, Endpoint, Secret
from webhooks.secrets import request_secrets
from webhooks.services import find_delivery, find_endpoint
from wire.errors import ApiError

LATEST = 20
SHOWN_ONCE = "webhook_secret"  # in the session, until the next look at the page
OF_REQUESTS = "addresses that requests name"


@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show the webhooks, and a new secret this once."""
    caller = _manager(request)
    shown = request.session.pop(SHOWN_ONCE, None)
    if shown is None or shown["tenant"] != caller.tenant.pk:  # the session may work in another tenant by now
        return _page(request, caller.tenant, EndpointForm())
    response = _page(request, caller.tenant, EndpointForm(), shown=shown)
    response["Cache-Control"] = "no-store, private"
    return response


@require_POST
def add_webhook(request: HttpRequest) -> HttpResponse:
    """Add a webhook and show its secret."""
    caller, form = _manager(request), EndpointForm(request.POST)
    if not form.is_valid():
        return _page(request, caller.tenant, form, status=422)
    try:
        endpoint, secret = services.add_endpoint(caller, **form.cleaned_data)
    except ApiError as refusal:
        return _page(request, caller.tenant, form.refused(refusal), status=422)
    return _show_once(request, endpoint.url, secret)


@require_POST
def rotate(request: HttpRequest, id: str) -> HttpResponse:
    """Make a new secret and show it."""
    caller = _manager(request)
    endpoint = find_endpoint(caller.tenant, id)
    return _show_once(request, endpoint.url, services.rotate_secret(caller, endpoint))


@require_POST
def switch(request: HttpRequest, id: str) -> HttpResponse:
    """Disable a webhook, or enable it again."""
    caller = _manager(request)
    endpoint = find_endpoint(caller.tenant, id)
    status = "enabled" if endpoint.disabled_at else "disabled"
    services.change_endpoint(caller, endpoint, {"status": status})
    messages.success(request, f"{endpoint.url} is {status}.")
    return redirect("webhooks")


@require_POST
def delete(request: HttpRequest, id: str) -> HttpResponse:
    """Delete a webhook."""
    caller = _manager(request)
    services.delete_endpoint(caller, find_endpoint(caller.tenant, id))
    messages.success(request, "The webhook is deleted.")
    return redirect("webhooks")


@require_POST
def send_test(request: HttpRequest, id: str) -> HttpResponse:
    """Send a webhook a message that means nothing."""
    endpoint = find_endpoint(_manager(request).tenant, id)
    services.send_test(endpoint)
    messages.success(request, f"A test is on its way to {endpoint.url}. Reload this page to see below how it went.")
    return redirect("webhooks")


@require_POST
def replay(request: HttpRequest, id: str) -> HttpResponse:
    """Send a message again."""
    delivery = find_delivery(_manager(request).tenant, id)
    services.replay(delivery)
    messages.success(request, f"{delivery.message_id} is on its way again. Reload this page to see below how it went.")
    return redirect("webhooks")


@require_POST
def show_request_secret(request: HttpRequest) -> HttpResponse:
    """Show what signs the messages to addresses that requests name."""
    return _show_once(request, OF_REQUESTS, request_secrets(_manager(request).tenant.pk)[0])


@require_POST
def rotate_request_secret(request: HttpRequest) -> HttpResponse:
    """Make a new one, and show it."""
    return _show_once(request, OF_REQUESTS, services.rotate_secret(_manager(request), None))


def _manager(request: HttpRequest) -> Caller:
    caller = caller_of(request)
    caller.require(Scope.MANAGE)
    return caller


def _show_once(request: HttpRequest, whose: str, secret: Secret) -> HttpResponse:
    request.session[SHOWN_ONCE] = {"tenant": secret.tenant_id, "whose": whose, "secret": secret.secret}
    return redirect("webhooks")


def _page(
    request: HttpRequest, tenant: Tenant, form: EndpointForm, *, shown: Any = None, status: int = 200
) -> HttpResponse:
    owned = Delivery.objects.for_tenant(tenant).select_related("message", "endpoint").prefetch_related("log")
    endpoints = list(Endpoint.objects.for_tenant(tenant).order_by("-pk"))
    context = {
        "endpoints": endpoints,
        "deliveries": owned.order_by("-pk")[:LATEST],
        "form": form,
        "shown": shown,
        "is_full": len(endpoints) >= services.MAX_ENDPOINTS,
    }
    return render(request, "webhooks/webhooks.html", context, status=status)


urlpatterns = [
    path("settings/webhooks", webhooks, name="webhooks"),
    path("settings/webhooks/add", add_webhook, name="add_webhook"),
    path("settings/webhooks/secret", show_request_secret, name="show_request_secret"),
    path("settings/webhooks/secret/rotate", rotate_request_secret, name="rotate_request_secret"),
    path("settings/webhooks/deliveries/<str:id>/replay", replay, name="replay_delivery"),
    path("settings/webhooks/<str:id>/rotate", rotate, name="rotate_webhook"),
    path("settings/webhooks/<str:id>/switch", switch, name="switch_webhook"),
    path("settings/webhooks/<str:id>/delete", delete, name="delete_webhook"),
    path("settings/webhooks/<str:id>/test", send_test, name="test_webhook"),
]
