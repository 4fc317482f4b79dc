"""Where is everything?"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.defaults import bad_request as bad_request_page
from django.views.defaults import page_not_found, server_error
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from darkroom.health import healthz, readyz
from generation.links import open_link
from jobs.views import Workers
from wire.errors import bad_request, internal_error, unknown_url
from wire.middleware import is_api

SAFE = ["get", "head"]

urlpatterns = [
    path("api/v1/openapi.json", SpectacularJSONAPIView.as_view(http_method_names=SAFE), name="openapi"),
    path("api/v1/docs", SpectacularSwaggerView.as_view(url_name="openapi", http_method_names=SAFE), name="docs"),
    path("api/v1/", include("generation.urls")),
    path("api/v1/", include("loras.urls")),
    path("api/v1/workers", Workers.as_view()),
    path("v1/", include("generation.dialects.openai.urls")),
    path("files/<str:token>.<str:extension>", open_link),
    path("", include("accounts.pages")),  # before the admin, whose own door it closes
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("", include("generation.pages")),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer programs in JSON and people in HTML."""
    return bad_request(request) if is_api(request) else bad_request_page(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer programs in JSON and people in HTML."""
    return unknown_url(request, exception) if is_api(request) else page_not_found(request, exception)


def handler429(request: HttpRequest) -> HttpResponse:
    """Tell people who try too often when to come back."""
    answer = render(request, "429.html", status=429)
    answer["Retry-After"] = "60"
    return answer


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer programs in JSON and people in HTML."""
    return internal_error(request) if is_api(request) else server_error(request)
