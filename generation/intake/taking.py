"""Which picture is meant? One that is here already, by its id, or one that comes with the request."""

from typing import TypeVar

from django.core.files.uploadedfile import UploadedFile

from generation import storage
from generation.intake.data_urls import content_of
from generation.intake.decoding import MAX_BYTES, too_many_bytes
from generation.intake.uploads import keep, refreshed
from generation.models import Image, Upload
from tenants.models import Tenant
from wire.errors import ApiError
from wire.ids import is_id

Row = TypeVar("Row")


def take_picture(tenant: Tenant, said: str | UploadedFile, param: str) -> Upload:
    """Return the upload that holds the picture meant. Raises ApiError that names `param`."""
    if isinstance(said, UploadedFile):
        return keep(tenant, _content_of_part(said, param), param)
    if is_id(said, "upl"):
        return _found(refreshed(Upload.objects.for_tenant(tenant).filter(pk=said)), param)
    if is_id(said, "img"):
        image = _found(Image.objects.for_tenant(tenant).filter(pk=said).first(), param)
        return keep(tenant, storage.read(image.blob), param)
    if said[:5].lower() == "data:":
        return keep(tenant, content_of(said, param), param)
    message = f"{param} must be the id of an upload (upl_…) or of an image (img_…), or a data: URL."
    raise ApiError(400, "invalid_value", message, param=param)


def _content_of_part(part: UploadedFile, param: str) -> bytes:
    if (part.size or 0) > MAX_BYTES:
        raise too_many_bytes(param)
    content: bytes = part.read()
    return content


def _found(row: Row | None, param: str) -> Row:
    if row is None:
        message = "There is no such picture. Uploads that nothing uses are kept a day; POST /api/v1/uploads again."
        raise ApiError(404, "image_not_found", message, param=param)
    return row
