"""What may a request for pictures say, and what does it mean? Every field is checked, every default filled in."""

import random
import re
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from generation.engine import spec
from generation.engine.spec import Spec
from generation.lora_orders import Chosen, LoraSerializer, choose_loras
from loras.models import Checkpoint
from loras.services import base_checkpoints
from tenants.models import Tenant
from wire.errors import ApiError
from wire.fields import OneOf, StrictInteger, StrictNumber, StrictSerializer, StrictText

FORMATS = ("png", "jpeg", "webp")
SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
RANDOM_SEED = -1


@dataclass(frozen=True)
class Order:
    """A checked request: what the engine is asked, and how the result is stored.

    The spec is without LoRAs here: which file a worker reads is the worker's to find.
    """

    spec: Spec
    checkpoint: Checkpoint
    loras: tuple[Chosen, ...]
    output_format: str
    output_quality: int


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

    def to_internal_value(self, data: Any) -> int:
        """Return the side."""
        side = super().to_internal_value(data)
        if not is_side(side):
            raise self.refusal(
                "invalid_size", f"must be a multiple of {spec.SIDE_MULTIPLE}; the nearest is {nearest(side)}"
            )
        return side


class OrderSerializer(StrictSerializer):
    """The fields of `POST /api/v1/generations`."""

    prompt = StrictText(max_length=spec.MAX_PROMPT_CHARS)
    negative_prompt = StrictText(max_length=spec.MAX_PROMPT_CHARS, allow_blank=True, default="")
    width = SideField(required=False)
    height = SideField(required=False)
    size = SizeField(required=False, help_text="WIDTHxHEIGHT, instead of width and height.")
    steps = StrictInteger(min_value=spec.STEPS[0], max_value=spec.STEPS[1], required=False)
    guidance_scale = StrictNumber(min_value=spec.GUIDANCE[0], max_value=spec.GUIDANCE[1], required=False)
    seed = StrictInteger(
        min_value=RANDOM_SEED, max_value=spec.MAX_SEED, allow_null=True, default=None, help_text="-1 or null: random."
    )
    n = StrictInteger(min_value=spec.N[0], max_value=spec.N[1], default=1)
    scheduler = OneOf(spec.SCHEDULERS, required=False)
    checkpoint = StrictText(max_length=100, required=False)
    loras = LoraSerializer(many=True, default=list)
    output_format = OneOf(FORMATS, default="png")
    output_quality = StrictInteger(min_value=1, max_value=100, default=90, help_text="For jpeg and webp.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a size said in two ways."""
        if "size" in attrs and ("width" in attrs or "height" in attrs):
            raise serializers.ValidationError({"size": ["Give size, or width and height."]}, code="invalid_value")
        return attrs


def order(tenant: Tenant, asked: dict[str, Any]) -> Order:
    """Return the tenant's order for these validated fields. Raises ApiError for what no field can see alone."""
    checkpoint = find_checkpoint(asked.get("checkpoint"))
    effective = checkpoint.defaults | {name: asked[name] for name in checkpoint.defaults if name in asked}
    if "size" in asked:
        effective["width"], effective["height"] = asked["size"]
    wanted = Spec(
        checkpoint=checkpoint.source,
        prompt=asked["prompt"],
        negative_prompt=asked["negative_prompt"],
        seed=_seed(asked["seed"]),
        n=asked["n"],
        **effective,
    )
    _check_budget(wanted)
    chosen = choose_loras(tenant, asked["loras"], checkpoint)
    return Order(wanted, checkpoint, chosen, asked["output_format"], asked["output_quality"])


def find_checkpoint(name: str | None, param: str = "checkpoint") -> Checkpoint:
    """Return the base checkpoint of this name or id, the default for None. Raises ApiError."""
    bases = base_checkpoints()
    named = (base for base in bases if (base.is_default if name is None else name in (base.name, base.pk)))
    if found := next(named, None):
        return found
    if name is None or not bases:
        raise ApiError(503, "engine_overloaded", "No checkpoint is installed on this server yet.", retry_after="30")
    message = f"There is no checkpoint of that name. Known: {', '.join(base.name for base in bases[:20])}."
    raise ApiError(404, "model_not_found", message, param=param)


def _seed(asked: int | None) -> int:
    return random.randint(0, spec.MAX_SEED) if asked in (None, RANDOM_SEED) else int(asked or 0)


def _check_budget(wanted: Spec) -> None:
    work = wanted.n * wanted.width * wanted.height * wanted.steps
    if work > spec.MAX_PIXEL_STEPS:
        share = 100 * work // spec.MAX_PIXEL_STEPS
        message = f"This asks for {share} % of what one request may. Lower n, the size or the steps."
        raise ApiError(400, "job_too_large", message)


SIDE_RULE = f"sides from {spec.SIDE[0]} to {spec.SIDE[1]} in steps of {spec.SIDE_MULTIPLE}"


def is_side(pixels: int) -> bool:
    """Return whether pictures may have this side."""
    return spec.SIDE[0] <= pixels <= spec.SIDE[1] and pixels % spec.SIDE_MULTIPLE == 0


def nearest(pixels: int) -> int:
    """Return the allowed side that is nearest."""
    rounded = round(pixels / spec.SIDE_MULTIPLE) * spec.SIDE_MULTIPLE
    return min(max(rounded, spec.SIDE[0]), spec.SIDE[1])
