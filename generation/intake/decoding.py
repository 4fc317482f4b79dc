"""What is inside a picture's file? PNG, JPEG or WebP by content, refused before anything large is decoded."""

import io
import struct
import zlib

from PIL import Image, UnidentifiedImageError

from generation.engine import spec
from generation.intake.normalising import normalised
from wire.errors import ApiError

MAX_BYTES = 20 << 20
MAX_PIXELS = 1 << 24  # 16.7 megapixels: 4096 x 4096
SIDE = (spec.SIDE[0], 8192)
# Pillow's decoders raise any of these at bytes that are not what they say.
BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, AssertionError,
    NotImplementedError, struct.error, zlib.error, UnidentifiedImageError,
)  # fmt: skip


def decoded(content: bytes, param: str) -> Image.Image:
    """Return the picture in these bytes: RGB, RGBA or L, upright, in sRGB, without metadata. Raises ApiError."""
    if not content:
        raise ApiError(400, "empty_image_file", f"The file in {param} is empty. Send the picture itself.", param=param)
    if len(content) > MAX_BYTES:
        raise too_many_bytes(param)
    kind = _format_of(content)
    if kind is None:
        message = f"{param} must be a PNG, JPEG or WebP picture, by its content; its name does not matter."
        raise ApiError(400, "unsupported_image_format", message, param=param)
    try:
        return _opened(content, kind, param)
    except Image.DecompressionBombError:
        raise _too_many_pixels(param) from None
    except BROKEN as error:
        message = f"{param} begins like a {kind} file but is broken or cut off. Save it again and resend it."
        raise ApiError(400, "image_parse_error", message, param=param) from error


def too_many_bytes(param: str) -> ApiError:
    """Return the answer for a file over the limit."""
    message = f"A picture has at most {MAX_BYTES >> 20} MiB; the one in {param} has more. Save it smaller."
    return ApiError(413, "image_file_too_large", message, param=param)


def _format_of(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "WEBP" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _opened(content: bytes, kind: str, param: str) -> Image.Image:
    """Check what the header says, then decode. Raises ApiError or one of BROKEN."""
    if kind == "PNG":
        with Image.open(io.BytesIO(content), formats=[kind]) as file:
            _check(file, param)
            file.verify()  # every checksum, which decoding alone passes over
    with Image.open(io.BytesIO(content), formats=[kind]) as file:
        _check(file, param)
        file.load()
        return normalised(file)


def _check(file: Image.Image, param: str) -> None:
    """Refuse by what the header says: nothing is decoded yet."""
    if max(file.size) > SIDE[1] or file.width * file.height > MAX_PIXELS:
        raise _too_many_pixels(param)
    if min(file.size) < SIDE[0]:
        message = f"A picture has sides of at least {SIDE[0]} pixels; {param} is {file.width}x{file.height}."
        raise ApiError(400, "image_too_small", message, param=param)
    # A JPEG of several pictures is a phone's, with a small one or a depth map behind the one that is meant.
    if file.format != "MPO" and getattr(file, "n_frames", 1) > 1:
        message = f"{param} is an animation. Send one of its pictures."
        raise ApiError(400, "animated_image", message, param=param)


def _too_many_pixels(param: str) -> ApiError:
    message = (
        f"A picture has at most {MAX_PIXELS / 1e6:.1f} megapixels and sides of at most {SIDE[1]} pixels; "
        f"the one in {param} has more. Make it smaller."
    )
    return ApiError(400, "image_too_large", message, param=param)
