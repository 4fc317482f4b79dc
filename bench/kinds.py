"""The kinds of pictures beside text to image, as the benches ask for them: each makes a spec out of a plain one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from bench.companions import Companions
from bench.pictures import smooth
from generation.engine.spec import Control, Hires, Refine, Spec

Kind = Callable[[Spec], Spec]

HANDED_OVER = 0.8  # of the denoising is the base's, as SDXL's paper has it
REFINER_GUIDANCE = 5.0


def kinds_of(made: Companions) -> Mapping[str, Kind]:
    """Return every kind by its name, and all of them in one."""
    controlled, refined = partial(with_controlnet, made), partial(with_refiner, made)
    return {
        "img2img": img2img,
        "inpaint": inpaint,
        "ControlNet": controlled,
        "refiner": refined,
        "hires": hires,
        "all in one": lambda spec: hires(refined(controlled(inpaint(spec)))),
    }


def img2img(spec: Spec) -> Spec:
    return replace(spec, init_image=fitting(smooth, spec), strength=0.6)


def inpaint(spec: Spec) -> Spec:
    """Draw the middle anew."""
    return replace(spec, init_image=fitting(smooth, spec), mask=fitting(middle, spec), mask_blur=4, strength=0.8)


def with_controlnet(made: Companions, spec: Spec) -> Spec:
    """Follow the lines of a circle in a square."""
    return replace(spec, controls=(Control("lines", str(made.controlnet), fitting(lines, spec)),))


def with_refiner(made: Companions, spec: Spec) -> Spec:
    return replace(spec, refiner=Refine("refiner", str(made.refiner), HANDED_OVER, REFINER_GUIDANCE))


def hires(spec: Spec) -> Spec:
    return replace(spec, hires=Hires(1.5, 0.5))


def fitting(drawn: Callable[[int], Image.Image], spec: Spec) -> Image.Image:
    """Return a square picture, made as wide and high as the spec's."""
    return drawn(min(spec.width, spec.height)).resize((spec.width, spec.height))


def middle(side: int) -> Image.Image:
    levels = np.zeros((side, side), np.uint8)
    levels[side // 4 : -side // 4, side // 4 : -side // 4] = 255
    return Image.fromarray(levels)


def lines(side: int) -> Image.Image:
    """White on black, one pixel wide, as Canny's edges."""
    sheet = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(sheet)
    draw.ellipse((side // 4, side // 4, side * 3 // 4, side * 3 // 4), outline="white")
    draw.rectangle((side // 8, side // 8, side * 7 // 8, side * 7 // 8), outline="white")
    return sheet
