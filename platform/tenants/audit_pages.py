"""The dashboard's door to the audit, for a tenant's owners and admins."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from tenants.audit import events_of
from tenants.callers import caller_of
from tenants.models import Scope
from wire.paging import page


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show what was done in the tenant, newest first."""
    caller = caller_of(request)
    caller.require(Scope.MANAGE)
    rows, has_more = page(events_of(caller.tenant, request.GET), request.GET, "aud")
    asked = {name: request.GET[name] for name in ("action", "actor") if request.GET.get(name)}
    older = urlencode(asked | {"after": rows[-1].pk}) if has_more else ""
    shown = [
        (event, [(name.replace("_", " "), _in_words(event.detail[name])) for name in event.detail]) for event in rows
    ]
    return render(request, "tenants/audit.html", {"rows": shown, "older": older, "asked": asked})


def _in_words(value: Any) -> str:
    """Return a detail as people read it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


urlpatterns = [path("settings/audit", audit, name="audit")]
