"""What of an earlier generation does the Create page carry along without fields for it? Its words are the API's."""

import json
from collections.abc import Mapping
from typing import Any

from generation.models import GenerationJob
from generation.spec_serializers import SpecSerializer
from wire import strict_json
from wire.errors import ApiError

# The API's fields, and what the page calls them.
CARRIED = {
    "init_image": "its init image",
    "strength": "",
    "mask": "its mask",
    "mask_mode": "",
    "mask_blur": "",
    "controlnets": "its ControlNets",
    "refiner": "its refiner",
    "hires": "its second pass",
    "sigmas": "its sigmas",
    "preset": "its preset",
    "determinism": "its determinism",
}
USUAL = {"sigmas": "default", "determinism": "fast", "mask_blur": 0}  # says nothing, so it need not be said


def carried_of(job: GenerationJob) -> str:
    """Return as JSON what this one was asked for beyond the page's own fields; an empty text for nothing."""
    shown = SpecSerializer(job).data
    said = {name: shown[name] for name in CARRIED if shown[name] not in (None, [], USUAL.get(name))}
    if "controlnets" in said:
        said["controlnets"] = [{key: entry[key] for key in entry if key != "name"} for entry in said["controlnets"]]
    return json.dumps(said) if said else ""


def asked_by(text: str) -> dict[str, Any]:
    """Return the fields that this JSON says, their values unchecked. Raises ApiError for any others."""
    said = strict_json.parse(text.encode())
    if not said.keys() <= CARRIED.keys():
        raise ApiError(400, "unknown_parameter", "The earlier settings hold a field of the page's own.")
    return said


def in_words(said: Mapping[str, Any]) -> str:
    """Return what is carried along as a list of words."""
    return ", ".join(words for name, words in CARRIED.items() if words and name in said)
