"""Which sizes may pictures have, which size is meant where none is said, and how much may one request ask for?"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema_field

from generation.engine import spec
from generation.engine.spec import Spec
from generation.models import Upload
from loras.models import Checkpoint
from wire.errors import ApiError
from wire.fields import StrictInteger, StrictText

SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
SIDES = {"type": "integer", "minimum": spec.SIDE[0], "maximum": spec.SIDE[1], "multipleOf": spec.SIDE_MULTIPLE}
SIDE_RULE = f"sides from {spec.SIDE[0]} to {spec.SIDE[1]} in steps of {spec.SIDE_MULTIPLE}"


@extend_schema_field({"type": "string", "pattern": f"^{SIZE.pattern}$"})
class SizeField(StrictText):
    """A size as text: `WIDTHxHEIGHT`."""

    def to_internal_value(self, data: Any) -> tuple[int, int]:  # type: ignore[override]
        """Return (width, height)."""
        match = SIZE.fullmatch(data)
        if match is None:
            raise self.refusal("invalid_size", "must be WIDTHxHEIGHT, for example 1024x1024")
        width, height = int(match[1]), int(match[2])
        if not (is_side(width) and is_side(height)):
            close = f"{nearest(width)}x{nearest(height)}"
            raise self.refusal("invalid_size", f"must have {SIDE_RULE}; the nearest is {close}")
        return width, height


class SideField(StrictInteger):
    """A side of a picture in pixels."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=spec.SIDE[0], max_value=spec.SIDE[1], **kwargs)
        extend_schema_field(SIDES)(self)

    def to_internal_value(self, data: Any) -> int:
        """Return the side."""
        side = super().to_internal_value(data)
        if not is_side(side):
            raise self.refusal(
                "invalid_size", f"must be a multiple of {spec.SIDE_MULTIPLE}; the nearest is {nearest(side)}"
            )
        return side


def size_of(asked: Mapping[str, Any], checkpoint: Checkpoint, init_image: Upload | None) -> dict[str, int]:
    """Return the width and height that a request means; an init image's own go before the checkpoint's."""
    width, height = (
        own_size(init_image.width, init_image.height) if init_image else (checkpoint.width, checkpoint.height)
    )
    if "size" in asked:
        width, height = asked["size"]
    return {"width": asked.get("width", width), "height": asked.get("height", height)}


def own_size(width: int, height: int) -> tuple[int, int]:
    """Return the allowed size that comes nearest to a picture's own; one that is too large keeps its shape."""
    scale = min(1.0, spec.SIDE[1] / max(width, height))
    return nearest(round(width * scale)), nearest(round(height * scale))


def check_size(wanted: Spec) -> None:
    """Raise ApiError when the finished pictures would be too large, or the whole request too much work."""
    _check_final_size(wanted)
    work = wanted.n * _work_of_one(wanted)
    if work > spec.MAX_PIXEL_STEPS:
        share = math.ceil(100 * work / spec.MAX_PIXEL_STEPS)
        message = f"This asks for {share} % of what one request may. {_way_out(wanted)}"
        raise ApiError(400, "job_too_large", message)


def _way_out(wanted: Spec) -> str:
    """Return a change with which the request would pass: of how many pictures, or of the steps of one."""
    if most := spec.MAX_PIXEL_STEPS // _work_of_one(wanted):
        lower = "the size, hires.scale or the steps" if wanted.hires else "the size or the steps"
        return f"Here n may be {most}; or lower {lower}."
    fewer = (steps for steps in range(wanted.steps, 0, -1) if _fits_alone(replace(wanted, steps=steps)))
    one = "n may be 1 and " if wanted.n > 1 else ""
    return f"Here {one}steps may be {next(fewer)}; or lower the size or hires.scale."


def _fits_alone(wanted: Spec) -> bool:
    return _work_of_one(wanted) <= spec.MAX_PIXEL_STEPS


def _work_of_one(wanted: Spec) -> int:
    return _first_pass(wanted) + _second_pass(wanted)


def _check_final_size(wanted: Spec) -> None:
    width, height = wanted.final_size
    most = spec.SIDE[1]
    if max(width, height) > most:
        scale = math.floor(100 * most / max(wanted.width, wanted.height)) / 100
        message = f"hires would make pictures of {width}x{height}; the largest are {most}x{most}. "
        message += f"Here hires.scale may be {scale:g}." if scale >= spec.HIRES_SCALE[0] else "Leave hires out."
        raise ApiError(400, "invalid_size", message, param="hires.scale")


def _first_pass(wanted: Spec) -> int:
    return wanted.width * wanted.height * math.ceil(wanted.steps * wanted.strength)


def _second_pass(wanted: Spec) -> int:
    if wanted.hires is None:
        return 0
    width, height = wanted.final_size
    return width * height * math.ceil(wanted.steps * wanted.hires.strength)


def is_side(pixels: int) -> bool:
    """Return whether pictures may have this side."""
    return spec.SIDE[0] <= pixels <= spec.SIDE[1] and pixels % spec.SIDE_MULTIPLE == 0


def nearest(pixels: int) -> int:
    """Return the allowed side that is nearest."""
    rounded = round(pixels / spec.SIDE_MULTIPLE) * spec.SIDE_MULTIPLE
    return min(max(rounded, spec.SIDE[0]), spec.SIDE[1])
