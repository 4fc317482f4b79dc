"""Which settings does the form fill in, and which of those in it did somebody type?"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict

from generation.engine.spec import SIGMAS
from generation.shapes import shapes_for
from loras.models import Checkpoint
from loras.presets import NoSuchPreset
from loras.services import preset_of

FILLED = ("steps", "guidance_scale", "scheduler", "sigmas")
NOTES = ("filled_checkpoint", "filled_preset")  # for which they were filled in


def base_named(bases: Sequence[Checkpoint], name: str | None) -> Checkpoint:
    """Return the checkpoint of this name, the default where there is none."""
    return next((base for base in bases if base.name == name), bases[0])


def usual_size(base: Checkpoint) -> str:
    """Return the size that the form begins with."""
    return f"{base.width}x{base.height}"


def filling(base: Checkpoint, preset: str) -> dict[str, Any]:
    """Return what the form fills in for a checkpoint and one of its presets, and notes for which it did."""
    wanted = {"sigmas": SIGMAS[0]} | base.defaults
    try:
        wanted |= preset_of(base, preset) if preset else {}
    except NoSuchPreset:
        preset = ""
    chosen = {"checkpoint": base.name, "preset": preset}
    return {name: wanted[name] for name in FILLED} | chosen | {f"filled_{name}": chosen[name] for name in chosen}


def refilled(data: QueryDict, bases: Sequence[Checkpoint]) -> dict[str, Any]:
    """Return the settings for the checkpoint and preset that were just chosen; an offered size keeps its shape."""
    before, base = (base_named(bases, data.get(name)) for name in ("filled_checkpoint", "checkpoint"))
    sizes, size = [shape.size for shape in shapes_for(before)], data.get("size", "")
    reshaped = {"size": shapes_for(base)[sizes.index(size)].size} if size in sizes else {}
    return filling(base, data.get("preset", "")) | reshaped


def typed_of(said: Mapping[str, Any], bases: Sequence[Checkpoint]) -> dict[str, Any]:
    """Return the fields without the notes, and without what was filled in for another checkpoint or preset than chosen.

    Only a browser without scripts sends such: with them, choosing fills in at once.
    """
    own = {name: value for name, value in said.items() if name not in NOTES}
    name, preset = (said.get(note, "") for note in NOTES)
    if not name or (name, preset) == (said.get("checkpoint") or name, said.get("preset", "")):
        return own
    stale = filling(base_named(bases, name), preset)
    return {field: value for field, value in own.items() if field not in FILLED or value != stale[field]}
