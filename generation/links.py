"""How does somebody without a key open an image? By a link that is signed for that one file and dies after minutes."""

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from generation.image_views import file_of
from generation.models import Image
from generation.serializers import absolute
from tenants.isolation import for_everybody
from wire import errors
from wire.errors import ApiError

SIGNER = TimestampSigner(salt="generation.links")
SMALL = "-small"


def link_to(image: Image) -> str:
    """Return an address that opens this image for `IMAGE_URL_SECONDS`, without a key."""
    return absolute(f"/files/{SIGNER.sign(image.pk)}.{image.format}")


def link_to_thumbnail(image: Image) -> str:
    """Return an address that opens this image's thumbnail, and nothing else, as long."""
    return absolute(f"/files/{SIGNER.sign(image.pk + SMALL)}.webp")


@require_safe
def open_link(request: HttpRequest, token: str, extension: str) -> HttpResponse:
    """Answer with the file that the token was signed for."""
    try:
        return _file(request, token, extension)
    except errors.REFUSALS as refusal:
        return errors.answer(errors.translated(refusal))


def _file(request: HttpRequest, token: str, extension: str) -> HttpResponse:
    signed = _unsigned(token)
    small = signed.endswith(SMALL)
    with for_everybody():  # the signature says whose it is: we made it
        image = Image.objects.filter(pk=signed.removesuffix(SMALL), tenant__suspended_at=None).first()
    # The extension is the stranger's own text, which PostgreSQL would refuse with a NUL in it.
    if image is None or extension != ("webp" if small else image.format):
        raise errors.missing()
    return file_of(request, image, small=small)


def _unsigned(token: str) -> str:
    """Return what was signed. Raises ApiError."""
    try:
        return SIGNER.unsign(token, max_age=settings.IMAGE_URL_SECONDS)
    except SignatureExpired:
        raise ApiError(403, "link_expired", "This link has expired. Ask the API for a new one.") from None
    except BadSignature:
        raise ApiError(403, "invalid_link", "This link was not made here, or was changed.") from None
