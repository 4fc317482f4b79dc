"""What does the dashboard's form ask for? The API's fields; `orders` alone knows which values pass."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict

from generation import orders
from generation.carried import asked_by, carried_of, in_words
from generation.engine import spec
from generation.lora_picker import LoraPicker
from generation.models import GenerationJob
from generation.shapes import shapes_for
from loras.models import Checkpoint
from wire.errors import ApiError, first_refusal

CUSTOM = "custom"
PREVIEWS = spec.PREVIEWS[1]  # whoever asks here looks on


def _number(low: float, high: float, step: float = 1, **attrs: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"min": low, "max": high, "step": step, **attrs})


def _text(rows: int, **attrs: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "cols": False, "maxlength": spec.MAX_PROMPT_CHARS, **attrs})


def scheduler_label(name: str) -> str:
    """Return diffusers' class name as words: EulerAncestralDiscreteScheduler is Euler Ancestral."""
    return re.sub("(Ancestral|Multistep|Singlestep|Solver)", r" \1", re.sub("Discrete|Scheduler", "", name))


class ComposeForm(forms.Form):
    """A request for pictures. After `is_valid`, `order` is what to ask for."""

    prompt = forms.CharField(
        required=False, strip=False, widget=_text(4, required=True, placeholder="Describe the picture")
    )
    negative_prompt = forms.CharField(
        required=False, strip=False, widget=_text(1), help_text="What should not be in the picture."
    )
    size = forms.CharField(required=False)
    width = forms.IntegerField(required=False, widget=_number(*spec.SIDE, spec.SIDE_MULTIPLE))
    height = forms.IntegerField(required=False, widget=_number(*spec.SIDE, spec.SIDE_MULTIPLE))
    n = forms.IntegerField(label="Pictures", required=False, initial=1, widget=_number(*spec.N))
    seed = forms.IntegerField(required=False, widget=_number(0, spec.MAX_SEED, placeholder="Random"))
    steps = forms.IntegerField(required=False, widget=_number(*spec.STEPS))
    guidance_scale = forms.FloatField(label="Guidance", required=False, widget=_number(*spec.GUIDANCE, 0.1))
    scheduler = forms.ChoiceField(required=False, choices=[(name, scheduler_label(name)) for name in spec.SCHEDULERS])
    output_format = forms.ChoiceField(
        label="Format", required=False, choices=[(name, name.upper()) for name in orders.FORMATS]
    )
    output_quality = forms.IntegerField(label="Quality", required=False, initial=90, widget=_number(1, 100))
    checkpoint = forms.ChoiceField(required=False)
    loras = forms.CharField(label="LoRAs", required=False)  # where their errors stand; the picker has the rest
    carried = forms.CharField(required=False, widget=forms.HiddenInput)  # what an earlier one had beyond these fields

    ADVANCED = ("negative_prompt", "steps", "guidance_scale", "scheduler", "output_format", "output_quality")

    def __init__(
        self,
        picker: LoraPicker,
        bases: Sequence[Checkpoint],
        data: QueryDict | None = None,
        *,
        chosen: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the form for the first of these checkpoints, or for the one that `chosen` names."""
        named = (chosen or {}).get("checkpoint")
        base = next((base for base in bases if base.name == named), bases[0])
        wishes = base.defaults | {"size": f"{base.width}x{base.height}", "checkpoint": base.name}
        super().__init__(data, initial=wishes | dict(chosen or {}))
        offer = cast(forms.ChoiceField, self.fields["checkpoint"])
        offer.choices = [(base.name, base.title or base.name) for base in bases]
        self.is_reuse = bool(chosen)
        self.picker, self.bases, self.shapes = picker, bases, shapes_for(base)
        self.order: orders.Order

    @property
    def chosen_size(self) -> str:
        """Return which of the offered sizes is chosen."""
        size: str = self["size"].value() or ""
        return size if size in [shape.size for shape in self.shapes] else CUSTOM

    @property
    def shows_more(self) -> bool:
        """Return whether something tucked away wants to be seen: an error, or settings to use again."""
        return self.is_reuse or bool(set(self.errors) & set(self.ADVANCED))

    @property
    def carries(self) -> str:
        """Return in words what is taken from an earlier generation and has no field."""
        try:
            return in_words(asked_by(self["carried"].value() or ""))
        except ApiError:
            return ""

    def clean_carried(self) -> dict[str, Any]:
        """Return what is carried along as the API would be sent it."""
        try:
            return asked_by(self.cleaned_data["carried"])
        except ApiError as error:
            raise forms.ValidationError("The earlier settings came in pieces. Press Use again once more.") from error

    def clean_prompt(self) -> str:
        """Return the prompt with the line ends that programs send."""
        return str(self.cleaned_data["prompt"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Ask `orders`, and show each refusal beside the field that it names."""
        if self.errors:
            return self.cleaned_data
        checked = orders.OrderSerializer(data=self._asked())
        if not checked.is_valid():
            for name, messages in checked.errors.items():
                self._refuse(name, first_refusal(messages).message)
            return self.cleaned_data
        try:
            self.order = orders.order(self.picker.tenant, checked.validated_data)
        except ApiError as error:
            self._refuse(error.param, error.message)
        return self.cleaned_data

    def _asked(self) -> dict[str, Any]:
        """Return what the API would be sent: nothing for an empty field, and one way to say the size."""
        unsaid = {"width", "height"} if self.cleaned_data["size"] not in ("", CUSTOM) else {"size"}
        kept = {
            name: value for name, value in self.cleaned_data.items() if value not in (None, "") and name not in unsaid
        }
        always = {"prompt": self.cleaned_data["prompt"], "loras": self.picker.order, "previews": PREVIEWS}
        return kept.pop("carried", {}) | kept | always

    def _refuse(self, name: str | None, message: str) -> None:
        """Add an error in the words of the form: its label instead of the API's name."""
        name = name.partition("[")[0] if name else None
        if name not in self.fields:
            self.add_error(None, message)
            return
        label = str(self[name].label)
        said = message.replace(name, label, 1) if message.startswith(name) else message
        self.add_error(name, said[:1].upper() + said[1:])


def settings_of(job: GenerationJob) -> dict[str, Any]:
    """Return what fills the form to ask for this generation again."""
    names = ("prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "seed", "n", "scheduler")
    stored = {name: getattr(job, name) for name in (*names, "output_format", "output_quality")}
    return (
        stored | {"carried": carried_of(job)} | {"size": f"{job.width}x{job.height}", "checkpoint": job.checkpoint.name}
    )
