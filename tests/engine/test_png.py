"""A PNG of ours is the picture, read by Pillow: every pixel and every text of any picture and any text."""

import io
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from generation.engine.png import png

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@st.composite
def pictures(draw) -> Image.Image:
    height, width = draw(st.tuples(st.integers(1, 9), st.integers(1, 41)))
    pixels = draw(st.binary(min_size=height * width * 3, max_size=height * width * 3))
    return Image.frombytes("RGB", (width, height), pixels)


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def read(file: bytes) -> Image.Image:
    with Image.open(io.BytesIO(file)) as picture:
        picture.verify()  # checks every chunk's checksum
    return Image.open(io.BytesIO(file))


def by_pillow(image: Image.Image, texts: dict[str, str]) -> bytes:
    info, file = PngImagePlugin.PngInfo(), io.BytesIO()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    image.save(file, "PNG", pnginfo=info)
    return file.getvalue()


@given(pictures(), TEXTS)
def test_any_picture_and_text_are_read_back(image, text):
    file = read(png(image, {"parameters": text}))
    assert (file.format, file.mode, file.tobytes()) == ("PNG", "RGB", image.tobytes())
    assert file.text == {"parameters": text}


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (1023, 7), (832, 1216)])
def test_every_shape_is_read_back(size):
    image = noise(*size)
    assert read(png(image, {})).tobytes() == image.tobytes()


@pytest.mark.parametrize("text", ["", "a red kite, été", "a kite, 凧 🪁"])
def test_all_but_the_pixels_is_what_pillow_writes(text):
    image, texts = noise(5, 3), {"parameters": text, "receipt": "{}"}
    ours, theirs = png(image, texts), by_pillow(image, texts)
    assert ours[: ours.index(b"IDAT") - 4] == theirs[: theirs.index(b"IDAT") - 4]
    assert ours[-12:] == theirs[-12:]


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_grey_and_alpha_are_read_back(mode):
    image = noise(37, 5).convert("RGBA")
    image.putalpha(noise(37, 5).convert("L"))
    assert read(png(image.convert(mode), {})).tobytes() == image.convert(mode).tobytes()


@pytest.mark.parametrize("mode", ["1", "P", "LA", "CMYK"])
def test_another_mode_is_refused(mode):
    with pytest.raises(ValueError, match=f"{mode} is not a mode this writes"):
        png(Image.new(mode, (4, 4)), {})


def test_other_threads_run_while_a_picture_is_written():
    soft = np.random.default_rng(7).normal(128, 6, (2048, 2048, 3)).astype(np.uint8)  # two thirds of it is deflating
    image = Image.fromarray(soft)
    shares = [longest_wait_of_another_thread(lambda: png(image, {})) for _ in range(3)]
    assert min(shares) < 0.4


def longest_wait_of_another_thread(work: Callable[[], object]) -> float:
    """Return for which share of the work a thread that naps a millisecond at a time could not run."""
    done, awake = threading.Event(), [time.monotonic()]

    def nap() -> None:
        while not done.wait(0.001):
            awake.append(time.monotonic())

    other = threading.Thread(target=nap)
    other.start()
    work()
    done.set()
    other.join()
    awake.append(time.monotonic())
    return max(later - sooner for sooner, later in pairwise(awake)) / (awake[-1] - awake[0])
