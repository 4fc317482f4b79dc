"""What was a picture made of? Ours say so in a receipt (engine/encode.py), which is read here without trusting it."""

from typing import IO, Any

from PIL import ExifTags, Image
from rest_framework.exceptions import ValidationError

from generation.intake.decoding import BROKEN
from generation.prompt_field import PromptField
from wire.errors import ApiError
from wire.strict_json import parse

PROMPT = PromptField()


def prompt_in(file: IO[bytes]) -> str | None:
    """Return the prompt in the receipt of a picture's file, None when there is none that can be read."""
    try:
        with Image.open(file, formats=["PNG", "JPEG", "WEBP"]) as picture:
            return PROMPT.run_validation(parse(_receipt(picture)).get("prompt"))
    except (*BROKEN, Image.DecompressionBombError, ApiError, ValidationError):
        return None
    finally:
        file.seek(0)


def _receipt(picture: Image.Image) -> bytes:
    if picture.format == "PNG":
        return str(picture.info.get("receipt", "")).encode()
    note: Any = picture.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.MakerNote, b"")
    return note if isinstance(note, bytes) else b""
