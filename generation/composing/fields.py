"""Which fields does the Create page's form have, by what they are about? `orders` alone knows which values pass."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from generation import orders
from generation.engine import spec
from generation.phase_orders import HIRES_SCALE, HIRES_STRENGTH, REFINER_START

SIGMAS = {
    "default": "The scheduler's own",
    "karras": "Karras",
    "exponential": "Exponential",
    "beta": "Beta",
}
MASK_MODES = {"white": "What is white in it", "alpha": "What is transparent in it"}


def _number(low: float, high: float, step: float = 1, **attrs: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"min": low, "max": high, "step": step, **attrs})


def _text(rows: int, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "cols": False, "maxlength": spec.MAX_PROMPT_CHARS, **attrs})


def scheduler_label(name: str) -> str:
    """Return diffusers' class name as words: EulerAncestralDiscreteScheduler is Euler Ancestral."""
    return re.sub("(Ancestral|Multistep|Singlestep|Solver)", r" \1", re.sub("Discrete|Scheduler", "", name))


class OfferedField(forms.ChoiceField):
    """A text with some to choose from; which others pass is for `orders` to say."""

    def __init__(self, offered: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(required=False, choices=list((offered or {}).items()), **kwargs)

    def valid_value(self, value: str) -> bool:
        """Take any."""
        return True


class PictureFields(forms.Form):
    """What is drawn, how large, how often."""

    prompt = forms.CharField(
        required=False, strip=False, widget=_text(4, required=True, placeholder="Describe the picture")
    )
    size = forms.CharField(required=False)
    width = forms.IntegerField(required=False, widget=_number(*spec.SIDE, spec.SIDE_MULTIPLE))
    height = forms.IntegerField(required=False, widget=_number(*spec.SIDE, spec.SIDE_MULTIPLE))
    n = forms.IntegerField(label="Pictures", required=False, initial=1, widget=_number(*spec.N))
    seed = forms.IntegerField(required=False, widget=_number(0, spec.MAX_SEED, placeholder="Random"))
    # Where the errors of these stand; their pickers have the rest.
    loras = forms.CharField(label="LoRAs", required=False)
    controlnets = forms.CharField(label="ControlNets", required=False)


class StartFields(forms.Form):
    """From which picture it begins, and which part of that is drawn anew. The pictures are ids here."""

    init_image = forms.CharField(label="The start picture", required=False)
    strength = forms.FloatField(required=False, widget=_number(*spec.STRENGTH, 0.05))
    mask = forms.CharField(required=False)
    mask_mode = OfferedField(MASK_MODES, label="Draw anew")
    mask_blur = forms.IntegerField(
        label="Soft edge", required=False, widget=_number(*spec.MASK_BLUR, placeholder="0"), help_text="In pixels."
    )


class PhaseFields(forms.Form):
    """What happens to it after the base has drawn it."""

    refiner = OfferedField()
    refiner_start = forms.FloatField(
        label="Takes over after", required=False, initial=REFINER_START, widget=_number(*spec.REFINER_START, 0.05),
        help_text="Of all steps: 0.8 leaves it the last fifth.",
    )  # fmt: skip
    hires = forms.BooleanField(label="Second pass: enlarge it, then draw on", required=False)
    hires_scale = forms.FloatField(
        label="Times as large", required=False, initial=HIRES_SCALE, widget=_number(*spec.HIRES_SCALE, 0.1)
    )
    hires_strength = forms.FloatField(
        label="Strength", required=False, initial=HIRES_STRENGTH, widget=_number(*spec.STRENGTH, 0.05),
        help_text="How far it may go from what is there.",
    )  # fmt: skip


class SettingFields(forms.Form):
    """How it is drawn, and kept."""

    negative_prompt = forms.CharField(
        required=False, strip=False, widget=_text(1), help_text="What should not be in the picture."
    )
    checkpoint = OfferedField()
    preset = OfferedField()
    # For which of these the next are.
    filled_checkpoint = forms.CharField(required=False, widget=forms.HiddenInput)
    filled_preset = forms.CharField(required=False, widget=forms.HiddenInput)
    steps = forms.IntegerField(required=False, widget=_number(*spec.STEPS))
    guidance_scale = forms.FloatField(label="Guidance", required=False, widget=_number(*spec.GUIDANCE, 0.1))
    scheduler = OfferedField({name: scheduler_label(name) for name in spec.SCHEDULERS})
    sigmas = OfferedField({name: SIGMAS[name] for name in spec.SIGMAS}, label="Noise levels")
    exact = forms.BooleanField(
        label="Exactly the same when repeated", required=False, help_text="It is drawn alone, so it may wait longer."
    )
    output_format = OfferedField({name: name.upper() for name in orders.FORMATS}, label="Format")
    output_quality = forms.IntegerField(label="Quality", required=False, initial=90, widget=_number(1, 100))
