"""Which pictures do tests give? Files of a few kilobytes, made when they are needed."""

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64), seed: int = 7) -> Image.Image:
    """Return a soft picture, the same for the same arguments: each channel rises in a direction of its own."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (3, 4, 4), dtype=np.uint8)
    rgba = Image.fromarray(coarse).convert("RGBA").resize(size, Image.Resampling.BICUBIC)
    if mode in ("RGBA", "LA"):
        rgba.putalpha(Image.linear_gradient("L").resize(size))
    return rgba.convert("RGB").convert(mode) if mode in ("CMYK", "P", "1") else rgba.convert(mode)


def noise(size: tuple[int, int], seed: int = 7) -> Image.Image:
    """Return a picture that no compression makes smaller."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def file_of(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """Return the picture's file, as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def data_url(content: bytes, kind: str = "png") -> str:
    """Return the URL that holds this file."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG's chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """Return the PNG with one more chunk behind its header."""
    return png[:33] + chunk(kind, content) + png[33:]


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few kilobytes that says it is large, and is: every pixel is there, and black."""
    rows = zlib.compressobj(9)
    return claiming(
        width, height, b"".join([*(rows.compress(bytes(1 + 3 * width)) for _ in range(height)), rows.flush()])
    )


def claiming(width: int, height: int, data: bytes = zlib.compress(b"")) -> bytes:
    """Return a PNG whose header says this size, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animation(format: str, frames: int = 3) -> bytes:
    """Return an animated picture."""
    more = [picture(seed=seed) for seed in range(1, frames)]
    return file_of(picture(seed=0), format, save_all=True, append_images=more)


def upload(person: Any, content: bytes, name: str = "kite.png") -> Any:
    """Send a file to this person's uploads, as a program does, and return the answer."""
    part = SimpleUploadedFile(name, content, content_type="image/png")
    return Client.post(person.api, "/api/v1/uploads", {"file": part})
