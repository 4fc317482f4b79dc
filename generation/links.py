"""How does somebody without a key open an image? By a link that is signed for that one image and dies after minutes."""

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from generation.models import Image
from generation.serializers import absolute
from generation.views import file_of
from wire import errors
from wire.errors import ApiError

SIGNER = TimestampSigner(salt="generation.links")


def link_to(image: Image) -> str:
    """Return an address that opens this image for `IMAGE_URL_SECONDS`, without a key."""
    return absolute(f"/files/{SIGNER.sign(image.pk)}.{image.format}")


@require_safe
def open_link(request: HttpRequest, token: str, extension: str) -> HttpResponse:
    """Answer with the image that the token was signed for."""
    try:
        image_id = SIGNER.unsign(token, max_age=settings.IMAGE_URL_SECONDS)
    except SignatureExpired:
        return errors.answer(ApiError(403, "link_expired", "This link has expired. Ask the API for a new one."))
    except BadSignature:
        return errors.answer(ApiError(403, "invalid_link", "This link was not made here, or was changed."))
    image = Image.objects.filter(pk=image_id, format=extension, tenant__suspended_at=None).first()
    return errors.answer(errors.missing()) if image is None else file_of(request, image)
