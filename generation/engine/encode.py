"""Turns a picture into a file that carries how it was made and nothing else: PNG, JPEG or WebP."""

import io
from typing import Literal

from PIL import ExifTags, Image

from generation.engine.png import png

Format = Literal["png", "jpeg", "webp"]

# A thumbnail takes half the time with these (bench/encode.py): whole pixels are averaged before the resampling,
# and WebP searches less. The pictures are as good, the files a few percent larger.
THUMBNAIL_GAP, THUMBNAIL_METHOD = 1.0, 2
JPEG_EXIF_BYTES = 65_533 - 6  # what one APP1 segment holds beside its header


def encode(image: Image.Image, format: Format, *, quality: int, parameters: str, receipt: str) -> bytes:
    """Return the file's bytes; quality counts for JPEG and WebP.

    PNG holds `parameters` and `receipt` as text chunks. JPEG and WebP hold parameters as EXIF's UserComment, where
    AUTOMATIC1111's readers look, and the receipt as EXIF's MakerNote in UTF-8.
    """
    if format == "png":
        return png(image.convert("RGB"), {"parameters": parameters, "receipt": receipt})
    picture = clean(image)
    file = io.BytesIO()
    if format == "jpeg":
        picture.save(file, "JPEG", quality=quality, exif=jpeg_exif(parameters, receipt))
    elif format == "webp":
        picture.save(file, "WEBP", quality=quality, exif=exif(parameters, receipt))
    else:
        raise ValueError(f"{format} is not a format: png, jpeg or webp")
    return file.getvalue()


def thumbnail(image: Image.Image, side: int = 256) -> bytes:
    """Return a WebP no larger than side x side, without any metadata."""
    picture = clean(image)
    picture.thumbnail((side, side), reducing_gap=THUMBNAIL_GAP)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=80, method=THUMBNAIL_METHOD)
    return file.getvalue()


def clean(image: Image.Image) -> Image.Image:
    """Copy the pixels alone: Pillow would write profiles and comments of the image's source file again."""
    picture = image.convert("RGB")
    picture.info = {}
    return picture


def exif(parameters: str, receipt: str) -> bytes:
    tags = Image.Exif()
    details = tags.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.UserComment] = b"UNICODE\0" + parameters.encode("utf-16-be")
    if receipt:
        details[ExifTags.Base.MakerNote] = receipt.encode()
    return tags.tobytes()


def jpeg_exif(parameters: str, receipt: str) -> bytes:
    """Leave the receipt out where JPEG has no room for both; parameters always fit (spec.MAX_PROMPT_CHARS)."""
    both = exif(parameters, receipt)
    return both if len(both) <= JPEG_EXIF_BYTES else exif(parameters, "")
