"""Which picture is meant? One that is here already, by its id, or one that comes with the request."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.files.uploadedfile import UploadedFile

from generation import storage
from generation.intake.data_urls import content_of
from generation.intake.decoding import MAX_BYTES, too_many_bytes
from generation.intake.fetching import Fetcher
from generation.intake.uploads import keep, refreshed
from generation.models import Image, Upload
from tenants.models import Tenant
from wire.errors import ApiError
from wire.ids import is_id

Row = TypeVar("Row")

SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}:", re.IGNORECASE)
PUBLIC = Fetcher()


def take_picture(tenant: Tenant, said: str | UploadedFile | Upload, param: str, *, fetcher: Fetcher = PUBLIC) -> Upload:
    """Return the upload that holds the picture meant: the id of one or of an image, a data: or https: URL, or a file.

    One that this request has taken in already is what it is. Raises ApiError that names `param`. Fetching takes
    seconds: call it outside transactions and off the event loop.
    """
    if isinstance(said, Upload):
        return said
    if isinstance(said, str) and is_id(said, "upl"):
        return _found(refreshed(Upload.objects.for_tenant(tenant).filter(pk=said)), param)
    if isinstance(said, str) and is_id(said, "img"):
        image = _found(Image.objects.for_tenant(tenant).filter(pk=said).first(), param)
        return keep(tenant, storage.read(image.blob), param, most_bytes=None)
    return keep(tenant, _content(said, param, fetcher), param)


def take_given(tenant: Tenant, given: dict[str, Any], *, fetcher: Fetcher = PUBLIC) -> Upload:
    """Return the upload that holds a picture given as `file`, `data` or `url`. Raises ApiError."""
    ((param, said),) = given.items()
    doors: dict[str, Callable[[Any, str], bytes]] = {"file": _content_of_part, "data": content_of, "url": fetcher.fetch}
    return keep(tenant, doors[param](said, param), param)


def _content(said: str | UploadedFile, param: str, fetcher: Fetcher) -> bytes:
    """Return the bytes that come with the request, or that it points to. Raises ApiError."""
    if isinstance(said, UploadedFile):
        return _content_of_part(said, param)
    if said[:5].lower() == "data:":
        return content_of(said, param)
    if SCHEME.match(said):
        return fetcher.fetch(said, param)
    message = f"{param} must be the id of an upload (upl_…) or of an image (img_…), a data: URL or an https: URL."
    raise ApiError(400, "invalid_value", message, param=param)


def _content_of_part(part: UploadedFile, param: str) -> bytes:
    if (part.size or 0) > MAX_BYTES:
        raise too_many_bytes(param)
    content: bytes = part.read()
    return content


def _found(row: Row | None, param: str) -> Row:
    if row is None:
        raise picture_not_found(param)
    return row


def picture_not_found(param: str) -> ApiError:
    """Return the answer for a picture that is not there or is another tenant's."""
    message = "There is no such picture. Uploads that nothing uses are kept a day; POST /api/v1/uploads again."
    return ApiError(404, "image_not_found", message, param=param)
