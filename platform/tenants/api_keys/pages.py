"""The dashboard's doors to keys: see them, make one, let another take its place, revoke it."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from tenants.api_keys.forms import KeyForm
from tenants.api_keys.limits import KINDS, offered
from tenants.api_keys.services import find_key, revoke, rotate_key
from tenants.callers import Caller, caller_of
from tenants.models import ApiKey, Scope
from wire.paging import page

ALREADY_MADE = (
    "That form had made its key already, and makes no second one. Nobody can read the key again: if you did not copy "
    "it, revoke it and make another."
)


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Show the tenant's keys; make one, whose secret the answer shows once."""
    caller = _manager(request)
    form = KeyForm(caller, request.POST or None)
    if request.method == "POST":
        try:
            made = form.make()
        except IntegrityError:
            if not ApiKey.objects.for_tenant(caller.tenant).filter(pk=form.cleaned_data["key_id"]).exists():
                raise
            # The browser sent it again, at a reload or a second click.
            messages.warning(request, ALREADY_MADE)
            return redirect("keys")
        return _shown(request, caller, form, status=422) if made is None else _shown_once(request, caller, *made)
    return _shown(request, caller, form)


@require_POST
def rotate(request: HttpRequest, id: str) -> HttpResponse:
    """Let a new key take this one's place; the old one goes on for a day."""
    caller = _manager(request)
    new, secret = rotate_key(caller, find_key(caller.tenant, id))
    return _shown_once(request, caller, new, secret)


@require_POST
def revoke_one(request: HttpRequest, id: str) -> HttpResponse:
    """Refuse this key from now on."""
    caller = _manager(request)
    key = find_key(caller.tenant, id)
    revoke(caller, key)
    messages.success(request, f"{key.name} ({key.prefix}…) is revoked: it is refused from now on.")
    return redirect("keys")


def _manager(request: HttpRequest) -> Caller:
    caller = caller_of(request)
    caller.require(Scope.MANAGE)
    return caller


def _shown_once(request: HttpRequest, caller: Caller, key: ApiKey, secret: str) -> HttpResponse:
    """Answer with the secret, which no browser shall keep."""
    response = _shown(request, caller, KeyForm(caller), new=key, secret=secret)
    response["Cache-Control"] = "no-store, private"
    return response


def _shown(request: HttpRequest, caller: Caller, form: KeyForm, status: int = 200, **new: Any) -> HttpResponse:
    owned = ApiKey.objects.for_tenant(caller.tenant).select_related("created_by")
    rows, has_more = page(owned, request.GET, "key")
    names = _names(caller, rows)
    context = {
        "form": form,
        "rows": [(key, {kind: _named(getattr(key, kind), names) for kind in KINDS}) for key in rows],
        "older": rows[-1].pk if has_more else "",
    }
    return render(request, "tenants/keys.html", context | new, status=status)


def _names(caller: Caller, rows: list[ApiKey]) -> dict[str, str]:
    """Return how what these keys are limited to is called, by id: one query for each kind."""
    ids = {kind: {each for key in rows for each in getattr(key, kind) or ()} for kind in KINDS}
    return {id: name for kind in KINDS if ids[kind] for id, name in offered(kind, caller, sorted(ids[kind]))}


def _named(ids: list[str] | None, names: dict[str, str]) -> list[str]:
    """Return the names; what was removed meanwhile keeps its id."""
    return [names.get(each, each) for each in ids or ()]


urlpatterns = [
    path("settings/keys", keys, name="keys"),
    path("settings/keys/<str:id>/rotate", rotate, name="rotate_key"),
    path("settings/keys/<str:id>/revoke", revoke_one, name="revoke_key"),
]
