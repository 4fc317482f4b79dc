"""What does an operator say when putting weights on the shelf? Every refusal stands beside its field."""

from pathlib import Path
from typing import Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminFileFieldWidget

from loras.models import Checkpoint, ControlNet, Lora
from loras.presets import PresetUnfit, read_presets
from loras.services import Examined, absolute, examine_lora, lora_name
from loras.weights.errors import CheckpointUnusable, LoraUnusable
from loras.weights.sources import read_checkpoint, read_controlnet

TOLD = ("title", "description", "trigger_words", "tags", "license")


class LoraForm(forms.ModelForm):
    """A LoRA; its file makes it, or makes its next version."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="A .safetensors file for SDXL. Another file later becomes the next version.",
    )

    class Meta:
        model = Lora
        fields = ["tenant", "name", *TOLD]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found: Examined | None = None
        self.fields["file"].required = self.instance._state.adding
        if "name" in self.fields:
            self.fields["name"].required = False
            self.fields["name"].help_text = "What requests call it; the file's own name when empty."

    def clean_file(self) -> Any:
        """Read the file through, once."""
        upload = self.cleaned_data["file"]
        if upload:
            try:
                self.found = examine_lora(cast(BinaryIO, upload))
            except LoraUnusable as error:
                raise ValidationError(error.sentence, code=error.code) from error
        return upload

    def clean(self) -> dict[str, Any]:
        """Fill in the name."""
        cleaned = super().clean() or self.cleaned_data
        upload = cleaned.get("file")
        if upload and not cleaned.get("name") and "name" in self.fields:
            cleaned["name"] = lora_name(upload.name)
        return cleaned


class CheckpointForm(forms.ModelForm):
    """A checkpoint; what its source holds decides what it is."""

    class Meta:
        model = Checkpoint
        fields = ["name", "title", "source", "width", "height", "steps", "guidance_scale", "scheduler", "presets"]

    def clean_source(self) -> str:
        """Look at the source. It must be seen from here as the worker sees it."""
        source = absolute(self.cleaned_data["source"])
        try:
            facts = read_checkpoint(source)
        except CheckpointUnusable as error:
            raise ValidationError(str(error)) from error
        self.instance.kind, self.instance.context_width = facts.kind, facts.context_width
        return source

    def clean_presets(self) -> list[dict[str, Any]]:
        """Fill in what the presets leave unsaid."""
        try:
            return read_presets(self.cleaned_data["presets"] or [])
        except PresetUnfit as error:
            raise ValidationError(str(error)) from error


class ControlNetForm(forms.ModelForm):
    """A ControlNet; what its folder holds decides whether it is one."""

    class Meta:
        model = ControlNet
        fields = ["name", "title", "kind", "source"]

    def clean_source(self) -> str:
        """Look at the folder and hash its weights."""
        source = Path(self.cleaned_data["source"]).resolve()
        try:
            facts = read_controlnet(source)
        except CheckpointUnusable as error:
            raise ValidationError(str(error)) from error
        self.instance.sha256, self.instance.context_width = facts.sha256, facts.context_width
        return str(source)
