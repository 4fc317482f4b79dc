"""Which ControlNets does the form hold, each with the picture that it follows, and which does it offer?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from generation.composing.given import Given
from generation.composing.typed import number
from generation.engine.spec import MAX_CONTROLNETS
from generation.intake import PREPROCESSORS
from generation.models import GenerationJob
from loras.companions import follows
from loras.models import Checkpoint, ControlNet

# A ControlNet's fields in the form, each a list under `control_…`.
PARTS = ("name", "image", "preprocess", "weight", "start", "end")
NUMBERS = ("weight", "start", "end")
Shelf = Mapping[str, ControlNet]  # by their names


@dataclass
class Picked:
    """A ControlNet in the form: its picture if there is one yet, its numbers as they were typed."""

    net: ControlNet
    image: Given | None
    said: Mapping[str, str]
    error: str = ""

    @property
    def is_whole(self) -> bool:
        """Return whether it is followed from the beginning to the end."""
        return (number(self.said["start"]), number(self.said["end"])) == (0, 1)


class ControlPicker:
    """The form's ControlNets: those chosen, and those that could be."""

    def __init__(
        self, shelf: Shelf, base: Checkpoint, asked: Sequence[Mapping[str, str]], pictures: Mapping[str, Given]
    ) -> None:
        self.asked = asked[: MAX_CONTROLNETS + 1]
        self.picked = [
            Picked(shelf[each["name"]], pictures.get(each["image"]), each)
            for each in self.asked
            if each["name"] in shelf
        ]
        self.has_lost = len(self.picked) < len(self.asked)
        self.has_room = len(self.picked) < MAX_CONTROLNETS
        self.offered = [net for net in shelf.values() if follows(net, base)]

    @property
    def is_needed(self) -> bool:
        """Return whether the form shows ControlNets at all: on a bare shelf there is nothing to choose."""
        return bool(self.asked or self.offered)

    @property
    def has_error(self) -> bool:
        """Return whether one of them says itself what is wrong."""
        return any(each.error for each in self.picked)

    @property
    def order(self) -> list[dict[str, Any]]:
        """Return the chosen as the API would be sent them; what is no number is refused there."""
        numbers = [{name: number(each[name]) for name in NUMBERS} for each in self.asked]
        plain = [{**each, "preprocess": each["preprocess"] or None} for each in self.asked]
        return [each | typed for each, typed in zip(plain, numbers, strict=True)]

    def refuse(self, place: int, message: str) -> None:
        """Say beside the one at this place what is wrong with it."""
        if place < len(self.picked) and not self.has_lost:
            self.picked[place].error = message


def on_the_shelf() -> Shelf:
    """Return every ControlNet by its name."""
    return {net.name: net for net in ControlNet.objects.order_by("name")}


def posted(data: QueryDict, shelf: Shelf) -> list[dict[str, str]]:
    """Return the ControlNets that a browser's form holds, after its pressed button did its work."""
    rows = zip(*(data.getlist(f"control_{part}") for part in PARTS), strict=False)
    asked = {str(place): dict(zip(PARTS, row, strict=True)) for place, row in enumerate(rows)}
    asked.pop(data.get("remove_control", ""), None)
    if own := asked.get(data.get("start_as_control", "")):
        own["image"] = data.get("init_image", "")
    added = shelf.get(data.get("add_control", ""))
    return [*asked.values(), *([beginning(added)] if added else [])]


def beginning(net: ControlNet) -> dict[str, str]:
    """Return how a ControlNet stands in the form when it is added."""
    made_by = net.kind if net.kind in PREPROCESSORS else ""
    return {
        "name": net.name,
        "image": "",
        "preprocess": made_by,
        "weight": f"{net.weight:.12g}",
        "start": "0",
        "end": "1",
    }


def of_job(job: GenerationJob) -> list[dict[str, str]]:
    """Return what a generation followed, to be followed again."""
    return [
        {"name": each.controlnet.name, "image": each.image_id, "preprocess": each.preprocess}
        | {name: f"{getattr(each, name):.12g}" for name in NUMBERS}
        for each in job.controls.all()
    ]
