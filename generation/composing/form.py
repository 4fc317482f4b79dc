"""What does the dashboard's form ask for? The API's fields; `orders` alone knows which values pass."""

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.http import QueryDict

from generation import orders
from generation.composing.asking import CONTROL_LABELS, CUSTOM, PREVIEWS, body_of, in_words, place_of
from generation.composing.composition import Composition
from generation.composing.fields import PhaseFields, PictureFields, SettingFields, StartFields
from generation.composing.filling import filling, typed_of, usual_size
from generation.composing.given import SIZE_OF_THE_START
from generation.composing.lora_picker import LoraPicker
from generation.intake import PREPROCESSORS
from generation.picture_orders import INPAINT_STRENGTH, STRENGTH
from generation.shapes import Shape, shapes_for
from jobs.models import Tier
from wire.errors import ApiError, first_refusal

# In one place the form says a few things at once: which of them open it.
PHASES = ("refiner", "refiner_start", "hires", "hires_scale", "hires_strength")
PREPROCESSING = {"canny": "Make thin lines from it", "scribble": "Make thick lines from it"}
STRENGTHS = {"plain": STRENGTH, "masked": INPAINT_STRENGTH}  # when the form does not say


class ComposeForm(SettingFields, PhaseFields, StartFields, PictureFields):
    """A request for pictures. After `is_valid`, `order` is what to ask for."""

    def __init__(
        self,
        composition: Composition,
        data: QueryDict | None = None,
        *,
        chosen: Mapping[str, Any] | None = None,
        refusals: Mapping[str, str] | None = None,
    ) -> None:
        """Make the form, empty but for what is `chosen`; `refusals` are of the files that came with it."""
        base = composition.base
        wishes = filling(base, "") | {"size": usual_size(base)}
        super().__init__(data, initial=wishes | dict(chosen or {}))
        self.composition, self.refusals, self.shapes = composition, refusals or {}, shapes_for(base)
        self.is_reuse = bool(chosen)
        self._offer("checkpoint", {each.name: each.title or each.name for each in composition.bases})
        self._offer("preset", {"": "None"} | {each["name"]: each["title"] or each["name"] for each in base.presets})
        self._offer("refiner", {"": "Off"} | {each.name: each.title or each.name for each in composition.refiners})
        self.order: orders.Order

    def _offer(self, name: str, choices: Mapping[str, str]) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = list(choices.items())

    @property
    def picker(self) -> LoraPicker:
        """Return the LoRAs."""
        return self.composition.loras

    @property
    def size_of_the_start(self) -> Shape | None:
        """Return the size that the start picture brings, if there is one."""
        start = self.composition.init_image
        return Shape("As the start", *start.drawn_size) if start else None

    @property
    def chosen_size(self) -> str:
        """Return which of the offered sizes is chosen."""
        size: str = self["size"].value() or ""
        own = self.size_of_the_start
        if own and size in (SIZE_OF_THE_START, own.size):
            return SIZE_OF_THE_START
        if size == SIZE_OF_THE_START:  # which has gone
            return self.shapes[0].size
        return size if size in [shape.size for shape in self.shapes] else CUSTOM

    @property
    def usual_strength(self) -> float:
        """Return how far it goes from the start picture when the form does not say."""
        return STRENGTHS["masked" if self.composition.mask else "plain"]

    @property
    def strengths(self) -> dict[str, float]:
        """Return both of these, for a browser where a mask is painted."""
        return STRENGTHS

    @property
    def preprocessors(self) -> dict[str, str]:
        """Return in which ways the picture of a ControlNet may be used."""
        return {"": "As it is"} | {name: PREPROCESSING.get(name, name) for name in PREPROCESSORS}

    @property
    def opened(self) -> dict[str, bool]:
        """Return which parts of the form want to be seen: those that are used, and those with an error."""
        composition, wrong = self.composition, set(self.errors)
        return {
            "start": bool(composition.init_image or wrong & set(StartFields.base_fields)),
            "controls": bool(composition.controls.asked or "controlnets" in wrong),
            "phases": bool(self["refiner"].value() or self["hires"].value() or wrong & set(PHASES)),
            "settings": self.is_reuse or bool(wrong & set(SettingFields.base_fields)),
        }

    def full_clean(self) -> None:
        """Look at every field, and say what is wrong with the files, which may come before anything is ordered."""
        super().full_clean()
        if not self.is_bound:
            self.cleaned_data = {}
        for param, message in self.refusals.items():
            self._refuse(param, message)

    def clean_prompt(self) -> str:
        """Return the prompt with the line ends that programs send."""
        return str(self.cleaned_data["prompt"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Ask `orders`, and show each refusal beside the field that it names."""
        if self.errors or self.refusals:
            return self.cleaned_data
        checked = orders.OrderSerializer(data=self._asked())
        if not checked.is_valid():
            for name, messages in checked.errors.items():
                refusal = first_refusal(messages, "" if name == "non_field_errors" else str(name))
                self._refuse(refusal.param, refusal.message)
            return self.cleaned_data
        try:
            self.order = orders.order(self.composition.caller, checked.validated_data)
        except ApiError as error:
            self._refuse(error.param, error.message)
        return self.cleaned_data

    def _asked(self) -> dict[str, Any]:
        """Return what the API would be sent."""
        said = body_of(typed_of(self.cleaned_data, self.composition.bases))
        always = {"prompt": self.cleaned_data["prompt"], "loras": self.picker.order, "previews": PREVIEWS}
        always["tier"] = Tier.INTERACTIVE.value  # whoever asks here looks on
        return said | always | {"controlnets": self.composition.controls.order}

    def _refuse(self, param: str | None, message: str) -> None:
        """Add an error in the words of the form: its label instead of the API's name."""
        field, place, name = place_of(param)
        known = field if field in self.fields else None
        label = CONTROL_LABELS.get(name, name) if place is not None else str(self[known].label) if known else name
        words = in_words(message)
        words = words.replace(name, label, 1) if name and words.startswith(name) else words
        message = words[:1].upper() + words[1:]
        self.add_error(known, message)
        if place is not None:
            self.composition.controls.refuse(place, name, message)
