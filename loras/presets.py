"""What presets may a checkpoint declare? Settings that go together under a name, each checked before it is kept."""

from typing import Any

from rest_framework import serializers

from loras.weights.schedulers import GUIDANCE, SCHEDULERS, SIGMAS, SPACINGS, STEPS, SettingsUnfit, refuse_unfit
from wire.errors import first_refusal
from wire.fields import OneOf, StrictInteger, StrictNumber, StrictSerializer, StrictText

SETTINGS = ("steps", "guidance_scale", "scheduler", "sigmas", "timestep_spacing")


class PresetUnfit(ValueError):
    """Report what is wrong with a list of presets, in a sentence an operator can act on."""


class NoSuchPreset(LookupError):
    """Report that a checkpoint has no preset of a name; the sentence lists those that it has."""


class PresetFields(StrictSerializer):
    """The fields of a preset as a checkpoint declares it."""

    name = StrictText(max_length=60)
    title = StrictText(max_length=200, allow_blank=True, default="")
    steps = StrictInteger(min_value=STEPS[0], max_value=STEPS[1])
    guidance_scale = StrictNumber(min_value=GUIDANCE[0], max_value=GUIDANCE[1])
    scheduler = OneOf(SCHEDULERS)
    sigmas = OneOf(SIGMAS, default="default")
    timestep_spacing = OneOf(SPACINGS, default="default")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse settings that the scheduler would not look at."""
        steps, sigmas, spacing = (attrs[name] for name in ("steps", "sigmas", "timestep_spacing"))
        try:
            refuse_unfit(attrs["scheduler"], steps=steps, sigmas=sigmas, spacing=spacing)
        except SettingsUnfit as error:
            raise serializers.ValidationError({error.param: [str(error)]}, code="invalid_value") from error
        return attrs


def read_presets(said: Any) -> list[dict[str, Any]]:
    """Return the presets with every field filled in. Raises PresetUnfit."""
    if not isinstance(said, list):
        raise PresetUnfit("presets must be a list of objects: [{name, steps, guidance_scale, scheduler, ...}].")
    presets = [_read_one(number, each) for number, each in enumerate(said)]
    names = [preset["name"] for preset in presets]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise PresetUnfit(f"presets has two of the name {doubled!r}: requests could not tell them apart.")
    return presets


def preset_in(presets: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the settings that the preset of this name stands for. Raises NoSuchPreset."""
    for preset in presets:
        if preset["name"] == name:
            return {setting: preset[setting] for setting in SETTINGS}
    known = ", ".join(preset["name"] for preset in presets)
    raise NoSuchPreset(f"Known: {known}." if known else "It has none.")


def _read_one(number: int, said: Any) -> dict[str, Any]:
    fields = PresetFields(data=said)
    if fields.is_valid():
        return dict(fields.validated_data)
    refusal = first_refusal(fields.errors)
    field = "" if (refusal.param or "") in refusal.message else f".{refusal.param}"  # DRF's own messages name none
    raise PresetUnfit(f"presets[{number}]{field}: {refusal.message}")
