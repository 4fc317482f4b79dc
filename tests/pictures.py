"""Which pictures do tests give? Files of a few kilobytes, made when they are needed."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64), seed: int = 7) -> Image.Image:
    """Return a soft picture, the same for the same arguments: each channel rises in a direction of its own."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (3, 4, 4), dtype=np.uint8)
    rgba = Image.fromarray(coarse).convert("RGBA").resize(size, Image.Resampling.BICUBIC)
    if mode in ("RGBA", "LA"):
        rgba.putalpha(Image.linear_gradient("L").resize(size))
    return rgba.convert("RGB").convert(mode) if mode in ("CMYK", "P", "1") else rgba.convert(mode)


def file_of(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """Return the picture's file, as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def data_url(content: bytes, kind: str = "png") -> str:
    """Return the URL that holds this file."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
