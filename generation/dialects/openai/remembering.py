"""What was a picture made of? Ours say so in a receipt (engine/encode.py), which is read here without trusting it."""

from typing import IO, Any

from PIL import ExifTags, Image

from generation.engine import spec
from generation.intake.decoding import BROKEN
from wire.errors import ApiError
from wire.strict_json import parse


def prompt_in(file: IO[bytes]) -> str | None:
    """Return the prompt in the receipt of a picture's file, None when there is none that can be read."""
    try:
        with Image.open(file, formats=["PNG", "JPEG", "WEBP"]) as picture:
            prompt = parse(_receipt(picture)).get("prompt")
    except (*BROKEN, Image.DecompressionBombError, ApiError):
        return None
    finally:
        file.seek(0)
    usable = isinstance(prompt, str) and prompt.strip() and len(prompt) <= spec.MAX_PROMPT_CHARS
    return prompt if usable else None


def _receipt(picture: Image.Image) -> bytes:
    if picture.format == "PNG":
        return str(picture.info.get("receipt", "")).encode()
    note: Any = picture.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.MakerNote, b"")
    return note if isinstance(note, bytes) else b""
