"""The native API's doors to uploads: give a picture, look at it, take it back."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.image_views import stored_file
from generation.intake.serializers import GivenSerializer, UploadSerializer
from generation.intake.taking import take_given
from generation.intake.uploads import delete_upload
from generation.models import Upload
from idempotency.once import Once
from tenants.authentication import caller
from tenants.models import Scope, Tenant
from wire.finding import named


def find_upload(tenant: Tenant, upload_id: str) -> Upload:
    """Return this tenant's upload. Raises ApiError: another's looks like none."""
    return named(Upload.objects.for_tenant(tenant), upload_id, "upl")


class Uploads(Once, APIView):
    """Pictures and masks for later use."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(
        request={"multipart/form-data": GivenSerializer, "application/json": GivenSerializer},
        responses={201: UploadSerializer},
    )
    def post(self, request: Request) -> Response:
        """Give a picture: as the part `file` of a form, or in JSON as `data` or the `url` to fetch it from.

        PNG, JPEG and WebP are taken up to 20 MiB and 16.7 megapixels, and kept as PNG without their metadata. The same
        picture again is the upload that it is.
        """
        given = GivenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = UploadSerializer(take_given(caller(request).tenant, given.validated_data)).data
        return Response(data, status=201, headers={"Location": data["url"]})


class OneUpload(APIView):
    """One upload."""

    scopes = {"DELETE": Scope.GENERATE}

    @extend_schema(responses=UploadSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one upload's facts."""
        return Response(UploadSerializer(find_upload(caller(request).tenant, id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Delete the upload and its file, unless a generation was made with it."""
        delete_upload(find_upload(caller(request).tenant, id))
        return Response(status=204)


class UploadContent(APIView):
    """One upload's file."""

    shown_on_pages = True

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: str) -> HttpResponse:
        """Return the picture itself, as we keep it."""
        upload = find_upload(caller(request).tenant, id)
        return stored_file(request._request, upload.blob, f"{upload.pk}.png", etag=f'"{upload.sha256}"')
