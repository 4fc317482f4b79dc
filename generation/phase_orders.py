"""What happens to a picture after the base has drawn it: which refiner takes over, and is it enlarged and drawn on?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.engine import spec
from generation.engine.spec import Hires
from loras.companions import find_refiners, refines
from loras.models import Checkpoint
from tenants.callers import Caller
from wire.errors import ApiError
from wire.fields import StrictNumber, StrictSerializer, StrictText

# As AUTOMATIC1111 begins, and as SDXL's own refiner was trained: for the last fifth.
REFINER_START, HIRES_SCALE, HIRES_STRENGTH = 0.8, 2.0, 0.7


@dataclass(frozen=True)
class Refined:
    """The refiner of a request, and after which part of the denoising it takes over."""

    checkpoint: Checkpoint
    start: float


class RefinerSerializer(StrictSerializer):
    """The refiner of a request; `{}` means the one that fits, for the last fifth."""

    start = StrictNumber(
        min_value=spec.REFINER_START[0], max_value=spec.REFINER_START[1], default=REFINER_START,
        help_text="It takes over after this part of the denoising.",
    )  # fmt: skip
    checkpoint = StrictText(max_length=100, required=False, help_text="Its name or id, where more than one fits.")

    class Meta:
        ref_name = "RefinerOrder"


class HiresSerializer(StrictSerializer):
    """The second pass of a request: the latents are enlarged, noised and denoised again."""

    scale = StrictNumber(min_value=spec.HIRES_SCALE[0], max_value=spec.HIRES_SCALE[1], default=HIRES_SCALE)
    strength = StrictNumber(min_value=spec.STRENGTH[0], max_value=spec.STRENGTH[1], default=HIRES_STRENGTH)

    class Meta:
        ref_name = "HiresOrder"


def choose_refiner(caller: Caller, asked: Mapping[str, Any] | None, base: Checkpoint) -> Refined | None:
    """Return the refiner that these validated fields mean for this base. Raises ApiError."""
    if asked is None:
        return None
    name, known = asked.get("checkpoint"), find_refiners(caller)
    refiner = _fitting(known, base) if name is None else _named(name, known, base)
    return Refined(refiner, asked["start"])


def _fitting(known: list[Checkpoint], base: Checkpoint) -> Checkpoint:
    fitting = [refiner for refiner in known if refines(refiner, base)]
    if not fitting:
        message = f"No refiner that fits {base} is installed on this server. Leave refiner out."
        raise ApiError(404, "refiner_not_found", message, param="refiner")
    if len(fitting) > 1:
        message = f"More than one refiner fits: name one of {_names(fitting)}."
        raise ApiError(400, "invalid_value", message, param="refiner.checkpoint")
    return fitting[0]


def _named(name: str, known: list[Checkpoint], base: Checkpoint) -> Checkpoint:
    found = next((refiner for refiner in known if name in (refiner.name, refiner.pk)), None)
    if found is None:
        message = f"There is no refiner of that name on this server. Known: {_names(known) or 'none'}."
        raise ApiError(404, "refiner_not_found", message, param="refiner.checkpoint")
    if not refines(found, base):
        message = f"The refiner {found} was not made for {base}. Name another, or leave refiner out."
        raise ApiError(400, "refiner_base_mismatch", message, param="refiner.checkpoint")
    return found


def refiner_not_found(param: str) -> ApiError:
    """Return the answer for a refiner that the operator has just removed."""
    message = "This refiner has just been removed. Name another, or leave refiner out."
    return ApiError(404, "refiner_not_found", message, param=param)


def _names(refiners: list[Checkpoint]) -> str:
    return ", ".join(map(str, refiners[:20]))


def hires_of(asked: Mapping[str, Any] | None) -> Hires | None:
    """Return what the engine is told of the second pass."""
    return Hires(asked["scale"], asked["strength"]) if asked is not None else None
