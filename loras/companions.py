"""Which ControlNets and refiners stand on the shelf, and which of them work with a base checkpoint?"""

from collections.abc import Sequence
from typing import Literal

from django.db.models import Q

from loras.models import Checkpoint, ControlNet
from loras.weights.sources import REFINER_WIDTH, SDXL_WIDTH
from tenants.callers import Caller


def find_controlnets(asked: Sequence[tuple[Literal["id", "name"], str]]) -> list[ControlNet | None]:
    """Return which ControlNet each of these means, None where there is none; one query for all."""
    if not asked:
        return []
    wanted = Q(pk__in=[text for by, text in asked if by == "id"]) | Q(
        name__in=[text for by, text in asked if by == "name"]
    )
    found = {(by, text): each for each in ControlNet.objects.filter(wanted) for by, text in _names(each)}
    return [found.get(each) for each in asked]


def _names(controlnet: ControlNet) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("id", controlnet.pk), ("name", controlnet.name)


def find_refiners(caller: Caller) -> list[Checkpoint]:
    """Return every refiner on the shelf that the caller may use."""
    return list(Checkpoint.objects.usable_by(caller).filter(kind=Checkpoint.Kind.REFINER).order_by("name"))


def follows(controlnet: ControlNet, base: Checkpoint) -> bool:
    """Return whether the ControlNet was made for such a base, as far as is known."""
    return base.context_width in (None, controlnet.context_width)


def refines(refiner: Checkpoint, base: Checkpoint) -> bool:
    """Return whether the refiner was made for such a base, as far as is known.

    A refiner reads what the second of the base's two text encoders says, so its text is narrower.
    """
    narrow, wide = refiner.context_width, base.context_width
    if narrow is None or wide is None:
        return True
    return narrow == REFINER_WIDTH if wide == SDXL_WIDTH else narrow < wide and narrow != REFINER_WIDTH
