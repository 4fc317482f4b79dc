"""The native API's doors to images: one's facts, its file, its end."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import storage
from generation.models import Image
from generation.serializers import ImageSerializer
from generation.services import delete_image
from tenants.authentication import caller
from tenants.models import Scope, Tenant
from wire.finding import named
from wire.queries import one_of

SIZES = ("full", "thumbnail")


def find_image(tenant: Tenant, image_id: str) -> Image:
    """Return this tenant's image. Raises ApiError: another's looks like none."""
    return named(Image.objects.for_tenant(tenant), image_id, "img")


class OneImage(APIView):
    """One image's facts."""

    scopes = {"DELETE": Scope.GENERATE}

    @extend_schema(responses=ImageSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one image's facts."""
        return Response(ImageSerializer(find_image(caller(request).tenant, id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Delete the image and its files."""
        delete_image(find_image(caller(request).tenant, id))
        return Response(status=204)


class Content(APIView):
    """One image's file."""

    shown_on_pages = True

    @extend_schema(
        responses={(200, f"image/{form}"): OpenApiTypes.BINARY for form in ("png", "jpeg", "webp")},
        parameters=[OpenApiParameter("size", str, enum=SIZES, description="The latter: 256 px WebP.")],
    )
    def get(self, request: Request, id: str) -> HttpResponse:
        """Return the picture itself."""
        size = one_of(request.query_params, "size", SIZES)
        return file_of(request._request, find_image(caller(request).tenant, id), small=size == "thumbnail")


def file_of(request: HttpRequest, image: Image, *, small: bool = False) -> HttpResponse:
    """Answer with an image's file or thumbnail. Its type is what we encoded, not what a name says."""
    if small:
        return stored_file(request, image.thumbnail, f"{image.pk}.webp", etag=f'"{image.sha256}-small"')
    return stored_file(request, image.blob, f"{image.pk}.{image.format}", etag=f'"{image.sha256}"')


def stored_file(request: HttpRequest, key: str, name: str, *, etag: str) -> HttpResponse:
    """Answer with a picture of ours under this name, or 304 when the client has it."""
    fresh = get_conditional_response(request, etag=etag)
    if fresh is not None:
        return fresh
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return HttpResponse(storage.read(key), content_type=f"image/{name.rpartition('.')[2]}", headers=headers)
