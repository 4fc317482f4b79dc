"""What may a sweep say? One spec, and one to three axes: each a field with its values. Every combination is a cell."""

import math
import random
import re
from collections.abc import Sequence
from copy import deepcopy
from itertools import product
from typing import Any

from rest_framework import serializers

from generation.batches.orders import MAX_SPECS, Fields, Naming, checked_orders
from generation.engine import spec
from generation.orders import RANDOM_SEED, Order
from tenants.callers import Caller
from wire.errors import ApiError
from wire.fields import StrictList, StrictSerializer, StrictText, StrictValues

MAX_CELLS = MAX_SPECS
MAX_AXES = 3
PLAIN = (
    "prompt", "negative_prompt", "steps", "guidance_scale", "scheduler", "sigmas", "seed", "strength", "checkpoint",
)  # fmt: skip
INNER = re.compile(
    r"loras\[\d{1,2}\]\.weight|controlnets\[\d{1,2}\]\.(weight|start|end)|refiner\.start|hires\.strength"
)


class Axes(StrictList):
    """The axes of one sweep."""

    most = MAX_AXES
    too_many = "too_many_axes"


class AxisSerializer(StrictSerializer):
    """One axis of a sweep."""

    field = StrictText(max_length=40, help_text=f"{', '.join(PLAIN)}; or inside one, as loras[0].weight.")
    values = StrictValues(MAX_CELLS)

    class Meta:
        list_serializer_class = Axes
        ref_name = "Axis"

    def validate_field(self, field: str) -> str:
        """Refuse what no contact sheet could show."""
        if field not in PLAIN and not INNER.fullmatch(field):
            rule = f"field must be one of: {', '.join(PLAIN)}; or inside one, as loras[0].weight or hires.strength."
            raise serializers.ValidationError(rule, code="invalid_value")
        return field


class SweepOrderSerializer(StrictSerializer):
    """The fields of `POST /api/v1/sweeps`."""

    spec = Fields(help_text="What holds for every cell.")
    axes = AxisSerializer(many=True, help_text=f"1 to {MAX_AXES}; the first changes slowest.")

    def validate_axes(self, axes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a grid of no axis, with a field twice, or too large."""
        fields = [axis["field"] for axis in axes]
        if not axes or len(set(fields)) < len(fields):
            raise serializers.ValidationError(f"Give 1 to {MAX_AXES} axes of different fields.", code="invalid_value")
        cells = math.prod(len(axis["values"]) for axis in axes)
        if cells > MAX_CELLS:
            message = f"These axes make {cells} cells; a sweep has {MAX_CELLS} at most. Leave values out."
            raise serializers.ValidationError(message, code="too_many_cells")
        return axes


def sweep_orders(caller: Caller, asked: dict[str, Any]) -> list[Order]:
    """Return an order for each cell of these validated fields, the last axis's values first. Raises ApiError."""
    axes = asked["axes"]
    start = _seeded(asked["spec"], [axis["field"] for axis in axes])
    places = list(product(*(range(len(axis["values"])) for axis in axes)))
    specs = [_cell(start, axes, place) for place in places]
    return checked_orders(caller, specs, [_naming(axes, place) for place in places])


def _seeded(start: dict[str, Any], swept: Sequence[str]) -> dict[str, Any]:
    """Draw a random seed once for all cells, so that they differ in nothing but what is swept."""
    if "seed" in swept or start.get("seed", RANDOM_SEED) not in (None, RANDOM_SEED):
        return start
    return start | {"seed": random.randint(0, spec.MAX_SEED)}


def _cell(start: dict[str, Any], axes: Sequence[dict[str, Any]], place: Sequence[int]) -> dict[str, Any]:
    cell = deepcopy(start)
    for number, (axis, index) in enumerate(zip(axes, place, strict=True)):
        *outer, last = re.findall(r"\w+", axis["field"])
        inside: Any = cell
        try:
            for step in outer:
                inside = inside[int(step) if step.isdigit() else step]
            inside[last] = axis["values"][index]
        except (LookupError, TypeError):
            message = f"spec has nothing at {axis['field']}. Say it there once; the axis then changes it."
            raise ApiError(400, "invalid_value", message, param=f"axes[{number}].field") from None
    return cell


def _naming(axes: Sequence[dict[str, Any]], place: Sequence[int]) -> Naming:
    """Return how to call a field: by the axis and its value, or by the spec."""

    def named(param: str) -> str:
        for number, (axis, index) in enumerate(zip(axes, place, strict=True)):
            if param and re.fullmatch(rf"{re.escape(axis['field'])}([.\[].*)?", param):
                return f"axes[{number}].values[{index}]"
        return f"spec.{param}".rstrip(".")

    return named
