"""Which sizes suit a checkpoint? A few aspect ratios, each with about as many pixels as it was trained on."""

import math
from dataclasses import dataclass

from generation.engine.spec import SIDE_MULTIPLE
from loras.models import Checkpoint

RATIOS = (("Square", 1, 1), ("Portrait", 3, 4), ("Landscape", 4, 3), ("Tall", 9, 16), ("Wide", 16, 9))


@dataclass(frozen=True)
class Shape:
    """A named size."""

    name: str
    width: int
    height: int

    @property
    def size(self) -> str:
        """Return the size as requests say it."""
        return f"{self.width}x{self.height}"


def shapes_for(checkpoint: Checkpoint) -> list[Shape]:
    """Return the sizes to offer, the square first."""
    pixels = checkpoint.width * checkpoint.height
    # SDXL was trained on sides in steps of 64; a small checkpoint has too few of those.
    step = 64 if pixels >= 512 * 512 else SIDE_MULTIPLE
    return [_shape(name, across / down, pixels, step) for name, across, down in RATIOS]


def _shape(name: str, ratio: float, pixels: int, step: int) -> Shape:
    """Round the short side and cut the long one: at 1024x1024 these are SDXL's own training sizes."""
    short = round(math.sqrt(pixels * min(ratio, 1 / ratio)) / step) * step
    long = math.floor(math.sqrt(pixels * max(ratio, 1 / ratio)) / step) * step
    return Shape(name, long, short) if ratio > 1 else Shape(name, short, long)
