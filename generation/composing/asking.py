"""What would the API be sent for what the form says, and where does the form say what the API refuses?"""

import re
from collections.abc import Mapping
from typing import Any

from generation.composing.given import SIZE_OF_THE_START
from generation.engine import spec

CUSTOM = "custom"
PREVIEWS = spec.PREVIEWS[1]  # whoever asks here looks on
# The API's nested fields, where the form has plain ones.
PLACES = {
    "refiner.checkpoint": "refiner",
    "refiner.start": "refiner_start",
    "hires.scale": "hires_scale",
    "hires.strength": "hires_strength",
    "determinism": "exact",
}
CONTROL_LABELS = {"start": "“From”", "end": "“To”"}
CONTROL = re.compile(r"controlnets\[(\d{1,3})\]\.?(\w*)")
CONTROL_PICTURE = re.compile(r"controlnets\[\d+\]\.image")
# What refusals call what the form has other words for; longer ones first.
WORDS = {
    "mask_blur is about mask, which is not there. Give mask, or leave mask_blur out": "there is no mask whose edge "
    "could be soft. Paint one, or leave this empty",
    "hires.scale": "“Times as large”",
    "mask_mode white": "“What is white in it”",
    "mask_mode alpha": "“What is transparent in it”",
    "Give init_image, or leave mask out": "Choose a start picture, or remove the mask",
    "the init_image": "the start picture",
    "init_image": "the start picture",
    "image must not be empty": "choose the picture to follow",
    "greater than start": "greater than “From”",
    "POST /api/v1/uploads again": "Choose it again",
    "hires": "The second pass",
}


def body_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's fields as the API's: nothing for an empty one, and one way to say the size."""
    kept = {name: value for name, value in said.items() if value is not False and value not in (None, "")}
    for name in _unsaid(kept):
        kept.pop(name, None)
    refined, enlarged = _taken(kept, "refiner_start"), _taken(kept, "hires_scale", "hires_strength")
    if "refiner" in kept:
        kept["refiner"] = {"checkpoint": kept["refiner"], **refined}
    if kept.pop("hires", False):
        kept["hires"] = enlarged
    if kept.pop("exact", False):
        kept["determinism"] = "exact"
    return kept


def _taken(kept: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take these fields out and return them as the fields of their object: refiner_start is its start."""
    return {name.partition("_")[2]: kept.pop(name) for name in names if name in kept}


def _unsaid(said: Mapping[str, Any]) -> set[str]:
    """Return the fields that others make void."""
    size = said.get("size", CUSTOM)
    void = {SIZE_OF_THE_START: {"size", "width", "height"}, CUSTOM: {"size"}}.get(size, {"width", "height"})
    return void | (set() if "mask" in said else {"mask_mode"})


def place_of(param: str | None) -> tuple[str | None, int | None, str]:
    """Return the form's field for one of the API's, which of several ControlNets is meant, and as what
    the refusal speaks of it."""
    if param is None:
        return None, None, ""
    if match := CONTROL.match(param):
        return "controlnets", int(match[1]), match[2]
    if param in PLACES:
        return PLACES[param], None, param.rpartition(".")[2]
    return param.partition("[")[0], None, param.partition("[")[0]


def in_words(message: str) -> str:
    """Return a refusal in the form's words, where it speaks of fields that the form calls otherwise."""
    message = CONTROL_PICTURE.sub("the picture to follow", message)
    for name, words in WORDS.items():
        message = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.]*\w)", words, message)
    return message
