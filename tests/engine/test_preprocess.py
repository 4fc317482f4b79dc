"""What a ControlNet follows is made of any picture: white lines on black, of the same size."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.engine.edges import canny, scribble
from generation.engine.preprocess import PREPROCESSORS, preprocess


def disc(mode: str = "RGB") -> Image.Image:
    """Return a dark disc on white."""
    picture = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(picture).ellipse((30, 15, 65, 50), fill=(20, 40, 60))
    return picture.convert(mode)


@pytest.mark.parametrize("name", PREPROCESSORS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_every_preprocessor_takes_every_picture_of_ours(name, mode):
    made = preprocess(name, disc(mode))
    assert (made.mode, made.size) == ("RGB", (96, 64))


@pytest.mark.parametrize(("name", "lines"), [("canny", canny), ("scribble", scribble)])
def test_lines_are_white_on_black(name, lines):
    made = np.asarray(preprocess(name, disc()))
    assert (made == lines(np.asarray(disc()))[..., None] * 255).all()
    assert set(np.unique(made)) == {0, 255}


def test_invert_makes_a_drawing_white_on_black():
    drawing = Image.new("RGB", (64, 64), "white")
    drawing.putpixel((9, 9), (0, 0, 0))
    assert preprocess("invert", drawing).getpixel((9, 9)) == (255, 255, 255)
    assert preprocess("invert", drawing).getpixel((0, 0)) == (0, 0, 0)


def test_what_shows_through_a_picture_is_white():
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (20, 20, 40, 40))
    opaque = Image.new("RGB", (64, 64), "white")
    opaque.paste((0, 0, 0), (20, 20, 40, 40))
    assert preprocess("canny", clear).tobytes() == preprocess("canny", opaque).tobytes()


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="openpose is not a preprocessor: canny, scribble, invert"):
        preprocess("openpose", disc())
