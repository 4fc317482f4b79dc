"""How does an unfinished picture reach whoever watches? As a small JPEG, with its place in front of it."""

import base64
import io
import logging
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from PIL import Image

log = logging.getLogger(__name__)

SIDE = 256  # pixels: a look at what is coming, not the picture
QUALITY = 80
HEAD_BYTES = 2


@dataclass(frozen=True)
class Preview:
    """One look at an unfinished picture: which of the generation's pictures, its how manieth look, both from 0."""

    index: int
    number: int
    jpeg: bytes

    def encoded_as(self, output_format: str) -> bytes:
        """Return the look in the format of the finished picture."""
        if output_format == "jpeg":
            return self.jpeg
        return _encoded(Image.open(io.BytesIO(self.jpeg)), output_format)


def packed(index: int, number: int, image: Image.Image) -> bytes:
    """Return the bytes that the store keeps of a preview."""
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    return bytes((index, number)) + _encoded(small, "jpeg")


def shown(showing: Future[None]) -> None:
    """Log a bug in showing: what is for looks alone fails no generation."""
    if error := showing.exception():
        log.error("a preview could not be shown", exc_info=error)


def unpacked(content: bytes) -> Preview:
    """Return the preview that these bytes say."""
    return Preview(content[0], content[1], content[HEAD_BYTES:])


def as_json(content: bytes) -> dict[str, Any]:
    """Return a preview as the native event stream tells it."""
    preview = unpacked(content)
    address = f"data:image/jpeg;base64,{base64.b64encode(preview.jpeg).decode()}"
    return {"index": preview.index, "number": preview.number, "image": address}


def _encoded(image: Image.Image, output_format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, output_format, quality=QUALITY)
    return file.getvalue()
