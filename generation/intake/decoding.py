"""What is inside a picture's file? PNG, JPEG or WebP by content, refused before anything large is decoded."""

import io
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError

from generation.engine import spec
from generation.intake.normalising import normalised
from wire.errors import ApiError

MAX_BYTES = 20 << 20
MAX_PIXELS = 1 << 24  # 16.7 megapixels: 4096 x 4096
SIDE = (spec.SIDE[0], 8192)
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is far below
# Each of these costs time, however small it is; real files have a few thousand chunks of pixels and a dozen scans.
MAX_CHUNKS, MAX_SCANS = 20_000, 50
# Pillow's decoders raise any of these at bytes that are not what they say.
BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, AssertionError,
    NotImplementedError, struct.error, zlib.error, UnidentifiedImageError,
)  # fmt: skip


def decoded(content: bytes, param: str, *, most_bytes: int | None = MAX_BYTES) -> Image.Image:
    """Return the picture in these bytes: RGB, RGBA or L, upright, in sRGB, without metadata. Raises ApiError."""
    if not content:
        raise ApiError(400, "empty_image_file", f"The file in {param} is empty. Send the picture itself.", param=param)
    if most_bytes is not None and len(content) > most_bytes:
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
    _refuse_costly(content, kind)
    if kind == "PNG":
        with Image.open(io.BytesIO(content), formats=[kind]) as file:
            _check(file, param)
            file.verify()  # every checksum, which decoding alone passes over
    with Image.open(io.BytesIO(content), formats=[kind]) as file:
        _check(file, param)
        file.load()
        return normalised(file)


def _refuse_costly(content: bytes, kind: str) -> None:
    """Raise ValueError for a file that takes longer to read than its size and its pixels account for."""
    if kind == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
        raise ValueError("more scans than any encoder writes")
    if kind == "PNG":
        place, chunks = 8, 0
        while content[place + 4 : place + 8] not in (b"IEND", b""):
            place += 12 + int.from_bytes(content[place : place + 4])
            chunks += 1
            if chunks > MAX_CHUNKS:
                raise ValueError("more chunks than any encoder writes")


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
