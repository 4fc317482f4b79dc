"""Which bytes does a `data:` URL hold?"""

import base64
import binascii
import re

from generation.intake.decoding import MAX_BYTES, too_many_bytes
from wire.errors import ApiError

HEAD = re.compile(r"data:image/[a-z0-9.+-]{1,40}(;[a-z0-9-]{1,40}=[a-z0-9-]{1,40})*;base64,", re.IGNORECASE)
MAX_CHARS = -(-MAX_BYTES // 3) * 4  # four characters hold three bytes


def content_of(said: str, param: str) -> bytes:
    """Return the bytes that the URL says. Raises ApiError."""
    head = HEAD.match(said)
    if head is None:
        raise _refused(param)
    if len(said) - head.end() > MAX_CHARS:
        raise too_many_bytes(param)
    try:
        return base64.b64decode(said[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise _refused(param) from None


def _refused(param: str) -> ApiError:
    message = f"{param} must be written as data:image/png;base64, (or jpeg, webp) and the file in padded base64."
    return ApiError(400, "invalid_base64_image", message, param=param)
