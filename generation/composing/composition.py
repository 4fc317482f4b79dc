"""What stands around the form's plain fields? LoRAs, ControlNets, pictures, and what the shelf offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from generation.composing import control_picker
from generation.composing.control_picker import ControlPicker
from generation.composing.filling import base_named
from generation.composing.given import Given, find_given
from generation.composing.lora_picker import LoraPicker
from generation.models import GenerationJob
from loras.companions import find_refiners, refines
from loras.models import Checkpoint
from loras.services import base_checkpoints
from tenants.callers import Caller


@dataclass(frozen=True)
class Composition:
    """What one form works with. `base` is the chosen checkpoint; before there is any, one with SDXL's defaults."""

    caller: Caller
    bases: list[Checkpoint]
    base: Checkpoint
    loras: LoraPicker
    controls: ControlPicker
    refiners: list[Checkpoint]
    init_image: Given | None
    mask: Given | None


def blank(caller: Caller, fields: Mapping[str, Any]) -> Composition:
    """Return what a fresh form with these fields works with."""
    return _composition(fields, LoraPicker(caller), [], control_picker.on_the_shelf())


def posted(caller: Caller, data: QueryDict) -> Composition:
    """Return what a browser's form holds, after its pressed button did its work."""
    shelf = control_picker.on_the_shelf()
    return _composition(data, LoraPicker.posted(caller, data), control_picker.posted(data, shelf), shelf)


def of_job(caller: Caller, job: GenerationJob, fields: Mapping[str, Any]) -> Composition:
    """Return what these fields of a generation work with, to use them again."""
    return _composition(fields, LoraPicker.of(caller, job), control_picker.of_job(job), control_picker.on_the_shelf())


def _composition(
    fields: Mapping[str, Any], loras: LoraPicker, controls: list[dict[str, str]], shelf: control_picker.Shelf
) -> Composition:
    bases = base_checkpoints(loras.caller) or [Checkpoint()]
    base = base_named(bases, fields.get("checkpoint"))
    init_image, mask = fields.get("init_image", ""), fields.get("mask", "")
    pictures = find_given(loras.caller.tenant, {init_image, mask, *(each["image"] for each in controls)})
    return Composition(
        caller=loras.caller,
        bases=bases,
        base=base,
        loras=loras,
        controls=ControlPicker(shelf, base, controls, pictures),
        refiners=[refiner for refiner in find_refiners(loras.caller) if refines(refiner, base)],
        init_image=pictures.get(init_image),
        mask=pictures.get(mask),
    )
