"""What may a request for pictures say, and what does it mean? Every field is checked, every default filled in."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rest_framework import serializers

from generation.control_orders import ControlSerializer, Followed, choose_controlnets, take_controls
from generation.engine import spec
from generation.engine.spec import Spec
from generation.lora_orders import Chosen, LoraSerializer, choose_loras
from generation.phase_orders import HiresSerializer, Refined, RefinerSerializer, choose_refiner, hires_of
from generation.picture_orders import (
    NOTHING,
    START_HELP,
    PictureField,
    Start,
    refuse_empty,
    refuse_incomplete,
    strength_of,
    take_start,
)
from generation.pictures import MASK_MODES
from generation.plan_orders import refuse_too_large, refuse_too_many
from generation.prompt_field import PromptField
from generation.size_orders import SideField, SizeField, check_size, size_of
from generation.terms import PLAIN_TERMS, Terms, TermsSerializer, terms_of
from jobs.deadlines import HEADER, finish_by
from loras.models import Checkpoint
from loras.presets import SETTINGS, NoSuchPreset
from loras.services import base_checkpoints, preset_of
from loras.weights.schedulers import SettingsUnfit, refuse_unfit
from quotas.limits import limits_for
from tenants.callers import Caller
from wire.errors import ApiError
from wire.fields import OneOf, StrictInteger, StrictNumber, StrictText

FORMATS = ("png", "jpeg", "webp")
DETERMINISM = ("fast", "exact")
RANDOM_SEED = -1


@dataclass(frozen=True)
class Order:
    """A checked request: what the engine is asked, and how the result is stored.

    The spec is without LoRAs, refiner and pictures here: which file a worker reads is the worker's to find.
    """

    spec: Spec
    checkpoint: Checkpoint
    loras: tuple[Chosen, ...]
    output_format: str
    output_quality: int
    preset: str = ""
    start: Start = NOTHING
    controls: tuple[Followed, ...] = ()
    refiner: Refined | None = None
    terms: Terms = PLAIN_TERMS


class OrderSerializer(TermsSerializer):
    """The fields of `POST /api/v1/generations`."""

    prompt = PromptField()
    negative_prompt = PromptField(allow_blank=True, default="")
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
    sigmas = OneOf(spec.SIGMAS, required=False, help_text="How the noise levels are spaced.")
    checkpoint = StrictText(max_length=100, required=False)
    preset = StrictText(max_length=60, required=False, help_text="Settings of the checkpoint's that go together.")
    loras = LoraSerializer(many=True, default=list)
    init_image = PictureField(required=False, help_text=START_HELP)
    strength = StrictNumber(
        min_value=spec.STRENGTH[0], max_value=spec.STRENGTH[1], required=False,
        help_text="How far from the init_image: 0.75 when absent, 1 with a mask.",
    )  # fmt: skip
    mask = PictureField(required=False)
    mask_mode = OneOf(MASK_MODES, required=False, help_text="What is drawn anew: the transparent (usual) or the white.")
    mask_blur = StrictInteger(min_value=spec.MASK_BLUR[0], max_value=spec.MASK_BLUR[1], required=False)
    controlnets = ControlSerializer(many=True, default=list)
    refiner = RefinerSerializer(required=False)
    hires = HiresSerializer(required=False)
    determinism = OneOf(DETERMINISM, default="fast", help_text="exact: drawn alone, the same bits when repeated.")
    previews = StrictInteger(min_value=spec.PREVIEWS[0], max_value=spec.PREVIEWS[1], default=0)
    output_format = OneOf(FORMATS, default="png")
    output_quality = StrictInteger(min_value=1, max_value=100, default=90, help_text="For jpeg and webp.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a size said in two ways, and fields that lack the one they are about."""
        if "size" in attrs and ("width" in attrs or "height" in attrs):
            raise serializers.ValidationError({"size": ["Give size, or width and height."]}, code="invalid_value")
        refuse_incomplete(attrs)
        return attrs


def order(
    caller: Caller,
    asked: dict[str, Any],
    bases: Sequence[Checkpoint] | None = None,
) -> Order:
    """Return the caller's order for these validated fields. Raises ApiError for what no field can see alone.

    Who asks for many brings along what they have in common: the base checkpoints.
    """
    limits = limits_for(caller)
    checkpoint = find_checkpoint(caller, asked.get("checkpoint"), bases=bases)
    settings = _settings(checkpoint, asked)
    refuse_too_many(limits, asked["n"], settings["steps"])
    loras = choose_loras(caller, asked["loras"], checkpoint)
    entries = asked.get("controlnets", [])
    controlnets = choose_controlnets(entries, checkpoint)
    refiner = choose_refiner(caller, asked.get("refiner"), checkpoint)
    terms = terms_of(asked)
    # Pictures last: they are fetched and stored, which is in vain for a request that is refused.
    start = take_start(caller.tenant, asked)
    wanted = _spec(checkpoint, asked, settings | size_of(asked, checkpoint, start.init_image))
    check_size(wanted)
    refuse_too_large(limits, wanted, asked)
    refuse_empty(start, (wanted.width, wanted.height))
    return Order(
        wanted,
        checkpoint,
        loras,
        asked["output_format"],
        asked["output_quality"],
        preset=asked.get("preset", ""),
        start=start,
        controls=take_controls(caller.tenant, entries, controlnets),
        refiner=refiner,
        terms=terms,
    )


def hurried(wanted: Order, headers: Mapping[str, str]) -> Order:
    """Return the order with the time that the request's headers say it has. Raises ApiError."""
    said = wanted.terms.finish_by
    by = finish_by(headers, said)
    param = wanted.terms.deadline_param if by == said else HEADER
    return replace(wanted, terms=replace(wanted.terms, finish_by=by, deadline_param=param))


def find_checkpoint(
    caller: Caller, name: str | None, param: str = "checkpoint", bases: Sequence[Checkpoint] | None = None
) -> Checkpoint:
    """Return the base checkpoint of this name or id, the default for None. Raises ApiError.

    What the caller's key may not use looks like none, but the default: who asks for nothing else is told.
    """
    bases = base_checkpoints(caller) if bases is None else bases
    named = (base for base in bases if (base.is_default if name is None else name in (base.name, base.pk)))
    if found := next(named, None):
        return found
    if caller.checkpoints is not None and (name is None or not bases):
        way_out = f"Name one of: {_names(bases)}." if bases else "It may use none that is installed: ask for another."
        raise ApiError(403, "model_not_allowed", f"This key may not use the usual checkpoint. {way_out}", param=param)
    if name is None or not bases:
        raise ApiError(503, "engine_overloaded", "No checkpoint is installed on this server yet.", retry_after="30")
    message = f"There is no checkpoint of that name. Known: {_names(bases)}."
    raise ApiError(404, "model_not_found", message, param=param)


def _names(bases: Sequence[Checkpoint]) -> str:
    return ", ".join(base.name for base in bases[:20])


def _settings(checkpoint: Checkpoint, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what the request says of these settings, else what its preset says, else what the checkpoint wants."""
    unsaid = {"sigmas": spec.SIGMAS[0], "timestep_spacing": spec.SPACINGS[0]}
    usual = unsaid | checkpoint.defaults | _preset(checkpoint, asked.get("preset")) | asked
    settings = {name: usual[name] for name in SETTINGS}
    try:
        chosen = {"sigmas": settings["sigmas"], "spacing": settings["timestep_spacing"]}
        refuse_unfit(settings["scheduler"], steps=settings["steps"], **chosen)
    except SettingsUnfit as error:
        raise _unfit(error, asked) from error
    return settings


def _unfit(error: SettingsUnfit, asked: dict[str, Any]) -> ApiError:
    """Return the refusal; the spacing of timesteps is no field of a request's, so it is the preset's."""
    if error.param != "timestep_spacing":
        return ApiError(400, "invalid_value", str(error), param=error.param)
    message = (
        f"The preset {asked['preset']} does not go with the other settings: {error} Leave scheduler to the preset."
    )
    return ApiError(400, "invalid_value", message, param="preset")


def _preset(checkpoint: Checkpoint, name: str | None) -> dict[str, Any]:
    """Return the settings of the checkpoint's preset of this name. Raises ApiError."""
    if name is None:
        return {}
    try:
        return preset_of(checkpoint, name)
    except NoSuchPreset as error:
        raise ApiError(400, "invalid_value", str(error), param="preset") from error


def _spec(checkpoint: Checkpoint, asked: dict[str, Any], settings: dict[str, Any]) -> Spec:
    return Spec(
        checkpoint=checkpoint.source,
        prompt=asked["prompt"],
        negative_prompt=asked["negative_prompt"],
        seed=_seed(asked["seed"]),
        n=asked["n"],
        strength=strength_of(asked),
        mask_blur=asked.get("mask_blur", 0),
        hires=hires_of(asked.get("hires")),
        exact=asked.get("determinism") == "exact",
        previews=asked.get("previews", 0),
        **settings,
    )


def _seed(asked: int | None) -> int:
    return random.randint(0, spec.MAX_SEED) if asked in (None, RANDOM_SEED) else int(asked or 0)
