"""Which pictures does a request follow with ControlNets, how strongly, and in which part of the denoising?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from generation.engine import spec
from generation.intake import PREPROCESSORS, take_picture
from generation.models import Upload
from generation.picture_orders import PictureField
from loras.companions import find_controlnets, follows
from loras.models import Checkpoint, ControlNet
from tenants.models import Tenant
from wire.errors import ApiError
from wire.fields import OneOf, StrictList, StrictNumber, StrictSerializer, StrictText


@dataclass(frozen=True)
class Followed:
    """A ControlNet of a request with the picture to follow; `preprocess` names what makes its control image, if any."""

    controlnet: ControlNet
    image: Upload
    preprocess: str
    weight: float
    start: float
    end: float


class Controls(StrictList):
    """The ControlNets of one request."""

    most = spec.MAX_CONTROLNETS
    too_many = "too_many_controlnets"


class ControlSerializer(StrictSerializer):
    """One ControlNet of a request."""

    id = StrictText(max_length=40, required=False)
    name = StrictText(max_length=100, required=False)
    image = PictureField()
    preprocess = OneOf(
        PREPROCESSORS, allow_null=True, default=None, help_text="Null: the image is a control image already."
    )
    weight = StrictNumber(
        min_value=spec.CONTROL_WEIGHT[0], max_value=spec.CONTROL_WEIGHT[1], required=False,
        help_text="The ControlNet's own when absent.",
    )  # fmt: skip
    start = StrictNumber(
        min_value=0.0, max_value=1.0, default=0.0, help_text="Followed from this part of the denoising."
    )
    end = StrictNumber(min_value=0.0, max_value=1.0, default=1.0, help_text="Followed up to this part.")

    class Meta:
        list_serializer_class = Controls
        ref_name = "ControlOrder"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a ControlNet that is named in no way or in two, and a window that ends before it begins."""
        if ("id" in attrs) == ("name" in attrs):
            raise serializers.ValidationError("Name a ControlNet by its id or its name.", code="invalid_value")
        if attrs["start"] >= attrs["end"]:
            raise serializers.ValidationError({"end": ["end must be greater than start."]}, code="invalid_value")
        return attrs


def choose_controlnets(asked: Sequence[dict[str, Any]], checkpoint: Checkpoint) -> list[ControlNet]:
    """Return the ControlNets that these validated entries name. Raises ApiError."""
    found = find_controlnets([("id", entry["id"]) if "id" in entry else ("name", entry["name"]) for entry in asked])
    for place, controlnet in enumerate(found):
        if controlnet is None:
            raise controlnet_not_found(f"controlnets[{place}]")
        _refuse_other_base(controlnet, checkpoint, f"controlnets[{place}]")
    return [controlnet for controlnet in found if controlnet]


def take_controls(
    tenant: Tenant, asked: Sequence[dict[str, Any]], controlnets: Sequence[ControlNet]
) -> tuple[Followed, ...]:
    """Take in the pictures to follow, one for each of the chosen ControlNets. Raises ApiError."""
    return tuple(
        Followed(
            controlnet=controlnet,
            image=take_picture(tenant, entry["image"], f"controlnets[{place}].image"),
            preprocess=entry["preprocess"] or "",
            weight=entry.get("weight", controlnet.weight),
            start=entry["start"],
            end=entry["end"],
        )
        for place, (entry, controlnet) in enumerate(zip(asked, controlnets, strict=True))
    )


def controlnet_not_found(param: str) -> ApiError:
    """Return the answer for a ControlNet that is not there."""
    message = "There is no such ControlNet on this server. See GET /api/v1/controlnets."
    return ApiError(404, "controlnet_not_found", message, param=param)


def _refuse_other_base(controlnet: ControlNet, checkpoint: Checkpoint, param: str) -> None:
    if not follows(controlnet, checkpoint):
        message = (
            f"The ControlNet {controlnet} was made for a checkpoint that reads text {controlnet.context_width} wide; "
            f"{checkpoint} reads {checkpoint.context_width}. Ask for another checkpoint, or leave it out."
        )
        raise ApiError(400, "controlnet_base_mismatch", message, param=param)
