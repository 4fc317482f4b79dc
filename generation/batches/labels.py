"""How is text drawn within a width? Wrapped at spaces, shortened with an ellipsis, in the font that Pillow brings."""

from bisect import bisect_right
from functools import cache
from math import ceil
from typing import cast

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

FONT_PIXELS = 15
LINE_PIXELS = 20
NARROWEST_PIXELS = 3  # of a character that is more than a dot
ELLIPSIS = "…"


@cache
def font() -> FreeTypeFont:
    """Return the font, which needs nothing of the machine."""
    return cast(FreeTypeFont, ImageFont.load_default(FONT_PIXELS))


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Return the text in `most` lines or fewer, each at most this many pixels wide."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most:
        end = _end_of_line(rest, width)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if rest:
        lines[-1] = _shortened(lines[-1], width)
    return lines


def _end_of_line(text: str, width: int) -> int:
    """Return how many characters make the first line: whole words, unless the first is too long itself."""
    lengths = range(1, min(len(text), width // NARROWEST_PIXELS) + 1)
    fitting = max(1, bisect_right(lengths, width, key=lambda length: ceil(font().getlength(text[:length]))))
    if fitting == len(text):
        return fitting
    return text.rfind(" ", 1, fitting + 1) if " " in text[1 : fitting + 1] else fitting


def _shortened(line: str, width: int) -> str:
    while line and font().getlength(line + ELLIPSIS) > width:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS
