"""Which LoRAs may a request put on a picture, and how strongly?"""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from generation.engine import spec
from loras.finding import By, find_versions
from loras.models import Checkpoint, LoraVersion
from tenants.callers import Caller
from wire.errors import ApiError
from wire.fields import StrictList, StrictNumber, StrictSerializer, StrictText

WAYS: tuple[By, ...] = ("id", "name", "hash")

# A version and its weight.
Chosen = tuple[LoraVersion, float]


class Loras(StrictList):
    """The LoRAs of one request."""

    most = spec.MAX_LORAS
    too_many = "too_many_loras"


class LoraSerializer(StrictSerializer):
    """One LoRA of a request."""

    id = StrictText(max_length=40, required=False)
    name = StrictText(max_length=100, required=False)
    hash = StrictText(
        max_length=64, required=False, help_text="SHA-256, AutoV1, AutoV2, AutoV3 or CRC32: that file, newest or not."
    )
    weight = StrictNumber(min_value=spec.LORA_WEIGHT[0], max_value=spec.LORA_WEIGHT[1], default=1.0)

    class Meta:
        list_serializer_class = Loras
        ref_name = "LoraOrder"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a LoRA that is named in no way or in two."""
        if sum(way in attrs for way in WAYS) != 1:
            raise serializers.ValidationError("Name a LoRA by its id, its name or a hash.", code="invalid_value")
        return attrs


def choose_loras(caller: Caller, asked: Sequence[dict[str, Any]], checkpoint: Checkpoint) -> tuple[Chosen, ...]:
    """Return what these validated entries ask for. Raises ApiError; another tenant's LoRA looks like none."""
    names = [(way, entry[way]) for entry in asked for way in WAYS if way in entry]
    chosen: list[Chosen] = []
    for place, (version, entry) in enumerate(zip(find_versions(caller, names), asked, strict=True)):
        param = f"loras[{place}]"
        if version is None:
            raise lora_not_found(param)
        if version.lora_id in {known.lora_id for known, _ in chosen}:
            message = f"The LoRA {version.lora} is there twice. Name it once, with the weight that you want."
            raise ApiError(400, "duplicate_lora", message, param=param)
        _refuse_other_base(version, checkpoint, param)
        chosen.append((version, entry["weight"]))
    return tuple(chosen)


def lora_not_found(param: str) -> ApiError:
    """Return the answer for a LoRA that is not there or is another tenant's."""
    return ApiError(404, "lora_not_found", "There is no such LoRA. See GET /api/v1/loras.", param=param)


def _refuse_other_base(version: LoraVersion, checkpoint: Checkpoint, param: str) -> None:
    widths = (version.context_width, checkpoint.context_width)
    if None not in widths and widths[0] != widths[1]:
        message = (
            f"The LoRA {version.lora} was trained for a checkpoint that reads text {widths[0]} wide; "
            f"{checkpoint.name} reads {widths[1]}. Ask for another checkpoint, or leave it out."
        )
        raise ApiError(400, "lora_base_mismatch", message, param=param)
