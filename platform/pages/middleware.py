"""What happens around every HTML page: refusals that people can read, and a rule that nothing loads from elsewhere."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.views.csrf import csrf_failure
from django_htmx.http import HttpResponseClientRedirect

from wire.errors import REFUSALS, ApiError, translated
from wire.middleware import is_api

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class PagesMiddleware:
    """Turns our refusals into pages and gives pages their headers.

    Asynchronous like the API's waiting views, which it surrounds too.
    """

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = await self.get_response(request)
        if is_page(request, response):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer what our services refuse, and an outage of the database; let bugs fly."""
        if is_api(request) or not isinstance(exception, REFUSALS):
            return None
        error = translated(exception)
        if error.status == 401 and not request.user.is_authenticated:
            return sign_in_first(request)
        return refusal(request, error)


def is_page(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether this is HTML of ours; the admin and the API's documentation bring theirs, with inline scripts."""
    match = request.resolver_match
    is_admin = match is not None and "admin" in match.app_names
    return not is_admin and not is_api(request) and response.get("Content-Type", "").startswith("text/html")


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in page and back; htmx, which asks for parts of a page, leads the whole page there."""
    here = getattr(request, "htmx", None)
    if here:
        page = here.current_url_abs_path or "/"
        return HttpResponseClientRedirect(redirect_to_login(page).url)
    return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))


def old_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form whose token is not, or no longer, the one of this browser."""
    if not getattr(request, "htmx", False):
        return csrf_failure(request, reason)
    why = "The page was open for long, or you have signed in or changed to another tenant elsewhere meanwhile."
    return refusal(request, ApiError(403, "form_too_old", f"{why} Reload the page, and send it again."))


def refusal(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Say in a page, or to htmx in a sentence, why not. Another tenant's object gets the page of a missing one."""
    if getattr(request, "htmx", False):
        plain = "text/plain; charset=utf-8"
        return HttpResponse(error.message, status=error.status, content_type=plain, headers=error.headers)
    if error.status == 404:
        return render(request, "404.html", status=404)
    if error.status == 401:
        return render(request, "pages/no_tenant.html", {"sign_up": settings.SIGN_UP}, status=403)
    context = {"message": error.message, "code": error.code, "request": request}
    # Without the database nobody can say who is signed in: that page does without.
    asking = None if error.code == "service_unavailable" else request
    page = render_to_string("pages/refusal.html", context, asking)
    return HttpResponse(page, status=error.status, headers=error.headers)
