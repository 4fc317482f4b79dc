"""How do tests give a picture, and look at what they get?"""

import base64
import io
from typing import Any

import PIL.Image
from PIL.Image import Image as Pixels


def plain(colour: Any = "navy", size: tuple[int, int] = (96, 64), mode: str = "RGB") -> Pixels:
    """Return a picture of one colour."""
    return PIL.Image.new(mode, size, colour)


def left_half(inside: Any, outside: Any, size: tuple[int, int] = (96, 64), mode: str = "L") -> Pixels:
    """Return a picture whose left half has one colour and whose right half another."""
    picture = PIL.Image.new(mode, size, outside)
    picture.paste(inside, (0, 0, size[0] // 2, size[1]))
    return picture


def file_of(picture: Pixels) -> bytes:
    """Return the picture as a PNG."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def given(picture: Pixels) -> str:
    """Return the picture as a data: URL."""
    return f"data:image/png;base64,{base64.b64encode(file_of(picture)).decode()}"


def picture_of(person: Any, image: Any) -> Pixels:
    """Return the stored picture of this image, as its owner gets it."""
    return PIL.Image.open(io.BytesIO(person.api.get(f"/api/v1/images/{image.pk}/content").content))
