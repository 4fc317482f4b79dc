"""Writes PNG files fast: numpy filters the rows and ISA-L deflates them, while other threads run."""

import struct
from collections.abc import Mapping

import numpy as np
from isal import isal_zlib
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {"L": 0, "RGB": 2, "RGBA": 6}
UP = 2  # the filter's number in a PNG
# 0 is hardly faster and its files are a third larger; 2 saves 1 %; 3 takes longer and saves no more.
DEFLATE_LEVEL = 1


def png(image: Image.Image, texts: Mapping[str, str]) -> bytes:
    """Return the file of a picture with a text chunk for each of the texts. Raises ValueError for other modes."""
    if image.mode not in COLOUR_TYPES:
        raise ValueError(f"{image.mode} is not a mode this writes: convert the picture to {', '.join(COLOUR_TYPES)}")
    # Eight bits a channel, deflate, the five filters, not interlaced.
    head = struct.pack(">II5B", image.width, image.height, 8, COLOUR_TYPES[image.mode], 0, 0, 0)
    return b"".join(
        [
            SIGNATURE,
            *chunk(b"IHDR", head),
            *(part for keyword, text in texts.items() for part in text_chunk(keyword, text)),
            *chunk(b"IDAT", isal_zlib.compress(filtered(np.asarray(image)), DEFLATE_LEVEL)),
            *chunk(b"IEND", b""),
        ]
    )


def filtered(pixels: np.ndarray) -> np.ndarray:
    """Return each row of pixels, [height, width, channels] or grey, less the row above it, behind a byte that says so.

    Up alone: the average or Paeth's filter would save a tenth of the bytes and take numpy as long as deflating does, or
    several times as long.
    """
    rows = pixels.reshape(len(pixels), -1)
    lines = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = UP
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    return lines


def text_chunk(keyword: str, text: str) -> tuple[bytes, ...]:
    """Return tEXt, or iTXt when a character is not in Latin-1."""
    try:
        return chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        # Not compressed, of no named language, and without a translated keyword.
        return chunk(b"iTXt", keyword.encode("latin-1") + b"\0" + b"\0\0" + b"\0" + b"\0" + text.encode())


def chunk(kind: bytes, content: bytes) -> tuple[bytes, ...]:
    """Return a chunk's parts, which are joined once: length, kind, content, checksum of kind and content."""
    checksum = isal_zlib.crc32(content, isal_zlib.crc32(kind))
    return struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)
