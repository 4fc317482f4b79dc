"""The dashboard's door to the audit, for a tenant's owners and admins."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from tenants.audit import events_of
from tenants.callers import caller_of
from tenants.models import ApiKey, Scope, Tenant
from wire.ids import is_id
from wire.paging import page


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show what was done in the tenant, newest first."""
    caller = caller_of(request)
    caller.require(Scope.MANAGE)
    rows, has_more = page(events_of(caller.tenant, request.GET), request.GET, "aud")
    asked = {name: request.GET[name] for name in ("action", "actor") if request.GET.get(name)}
    older = urlencode(asked | {"after": rows[-1].pk}) if has_more else ""
    names = _keys_named(caller.tenant, {event.actor for event in rows})
    shown = [
        (
            event,
            names.get(event.actor),
            [(name.replace("_", " "), _in_words(event.detail[name])) for name in event.detail],
        )
        for event in rows
    ]
    return render(request, "tenants/audit.html", {"rows": shown, "older": older, "asked": asked})


def _keys_named(tenant: Tenant, actors: set[str]) -> dict[str, str]:
    """Return how those of them that are keys are called, by id; revoked ones too, which are never deleted."""
    ids = [actor for actor in actors if is_id(actor, "key")]
    return dict(ApiKey.objects.for_tenant(tenant).filter(pk__in=ids).values_list("pk", "name"))


def _in_words(value: Any) -> str:
    """Return a detail as people read it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


urlpatterns = [path("settings/audit", audit, name="audit")]
