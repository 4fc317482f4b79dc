"""Turns a picture into a file that carries how it was made and nothing else: PNG, JPEG or WebP."""

import io
from typing import Literal

from PIL import ExifTags, Image, PngImagePlugin

Format = Literal["png", "jpeg", "webp"]

# Run-length matching after PNG's filters: measured on 1024x1024 pictures a third to a quarter of the default's time
# (380 -> 90 ms smooth, 506 -> 152 ms noisy) for files 9 % larger to equally large.
PNG_LEVEL, PNG_STRATEGY = 1, 3
JPEG_EXIF_BYTES = 65_533 - 6  # what one APP1 segment holds beside its header


def encode(image: Image.Image, format: Format, *, quality: int, parameters: str, receipt: str) -> bytes:
    """Return the file's bytes; quality counts for JPEG and WebP.

    PNG holds `parameters` and `receipt` as text chunks. JPEG and WebP hold parameters as EXIF's UserComment, where
    AUTOMATIC1111's readers look, and the receipt as EXIF's MakerNote in UTF-8.
    """
    picture = clean(image)
    file = io.BytesIO()
    if format == "png":
        text = text_chunks(parameters, receipt)
        picture.save(file, "PNG", compress_level=PNG_LEVEL, compress_type=PNG_STRATEGY, pnginfo=text)
    elif format == "jpeg":
        picture.save(file, "JPEG", quality=quality, exif=jpeg_exif(parameters, receipt))
    elif format == "webp":
        picture.save(file, "WEBP", quality=quality, exif=exif(parameters, receipt))
    else:
        raise ValueError(f"{format} is not a format: png, jpeg or webp")
    return file.getvalue()


def thumbnail(image: Image.Image, side: int = 256) -> bytes:
    """Return a WebP no larger than side x side, without any metadata."""
    picture = clean(image)
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=80)
    return file.getvalue()


def clean(image: Image.Image) -> Image.Image:
    """Copy the pixels alone: Pillow would write profiles and comments of the image's source file again."""
    picture = image.convert("RGB")
    picture.info = {}
    return picture


def text_chunks(parameters: str, receipt: str) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", parameters)  # tEXt, or iTXt when a character is not in Latin-1
    text.add_text("receipt", receipt)
    return text


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
