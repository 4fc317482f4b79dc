"""Is a request within what its tenant's plan allows for one? A refusal names the field, the limit and the plan."""

import math
from collections.abc import Mapping
from typing import Any

from generation.engine import spec
from generation.engine.spec import Spec
from quotas.limits import EffectiveLimits
from quotas.refusals import Excess
from wire.errors import ApiError


def refuse_too_many(limits: EffectiveLimits, n: int, steps: int) -> None:
    """Raise ApiError for more pictures or steps than a request may have."""
    for field, name, noun, asked in (("n", "max_n", "pictures", n), ("steps", "max_steps", "steps", steps)):
        limit = getattr(limits, name)
        if limit is not None and asked > limit:
            message = f"{field} may be {limit} at most (plan {limits.plan}), and this asks for {asked} {noun}."
            raise _beyond("integer_above_max_value", message, field, Excess(name, limit, 0, asked))


def refuse_too_large(limits: EffectiveLimits, wanted: Spec, asked: Mapping[str, Any]) -> None:
    """Raise ApiError for pictures of more pixels than they may have in the end."""
    width, height = wanted.final_size
    limit, pixels = limits.max_pixels, width * height
    if limit is None or pixels <= limit:
        return
    fits_without_hires = wanted.width * wanted.height <= limit
    param = "hires.scale" if wanted.hires and fits_without_hires else "width" if "width" in asked else "size"
    way = _lower_scale(wanted, limit) if param == "hires.scale" else _smaller(wanted, limit)
    message = f"Pictures may have {limit} pixels (plan {limits.plan}), and {width}x{height} are {pixels}. {way}"
    raise _beyond("invalid_size", message, param, Excess("max_pixels", limit, 0, pixels))


def _beyond(code: str, message: str, param: str, excess: Excess) -> ApiError:
    return ApiError(400, code, message, param=param, limit=excess.facts | {"resets_at": None})


def _lower_scale(wanted: Spec, limit: int) -> str:
    scale = math.floor(100 * math.sqrt(limit / (wanted.width * wanted.height))) / 100
    while scale >= spec.HIRES_SCALE[0] and _final_pixels(wanted, scale) > limit:  # sides are rounded, maybe up
        scale = round(scale - 0.01, 2)
    return f"Here hires.scale may be {scale:g}." if scale >= spec.HIRES_SCALE[0] else "Leave hires out."


def _final_pixels(wanted: Spec, scale: float) -> int:
    sides = (round(side * scale / spec.SIDE_MULTIPLE) * spec.SIDE_MULTIPLE for side in (wanted.width, wanted.height))
    return math.prod(sides)


def _smaller(wanted: Spec, limit: int) -> str:
    """Return the largest size of this shape that would pass."""
    shrunk = math.sqrt(limit / (wanted.width * wanted.height))
    sides = [int(side * shrunk) // spec.SIDE_MULTIPLE * spec.SIDE_MULTIPLE for side in (wanted.width, wanted.height)]
    without = " without hires" if wanted.hires else ""
    if min(sides) < spec.SIDE[0]:
        return "Ask the operator of this server for more."
    return f"Ask for {sides[0]}x{sides[1]}{without}."
