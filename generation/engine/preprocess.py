"""How does an ordinary picture become one that a ControlNet can follow? It is reduced to white lines on black."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from generation.engine.edges import canny, scribble


def preprocess(name: str, picture: Image.Image) -> Image.Image:
    """Return what this preprocessor makes of a picture, RGB and of the same size. Raises ValueError for other names.

    Give the picture in the size that it is followed in: lines are one pixel wide, whatever the size.
    """
    if name not in MAKERS:
        raise ValueError(f"{name} is not a preprocessor: {', '.join(PREPROCESSORS)}")
    return MAKERS[name](flat(picture))


def flat(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB; what shows through it is white."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def drawn(lines: np.ndarray) -> Image.Image:
    """Return lines, bool [h, w], in white on black."""
    return Image.fromarray(lines.astype(np.uint8) * 255).convert("RGB")


MAKERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "canny": lambda picture: drawn(canny(np.asarray(picture))),
    "scribble": lambda picture: drawn(scribble(np.asarray(picture))),
    "invert": ImageOps.invert,  # for drawings in black on white
}
PREPROCESSORS: tuple[str, ...] = tuple(MAKERS)
