"""From which picture does a request begin, and which part of it is drawn anew?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers

from generation.engine import spec
from generation.intake import open_picture, take_picture
from generation.models import Upload
from generation.pictures import MaskMode, drawn_anew
from tenants.models import Tenant
from wire.errors import ApiError
from wire.fields import LongText

PICTURE_HELP = "The id of an image or an upload, a data: URL, an https: URL, or a part of a multipart body."
START_HELP = f"{PICTURE_HELP} Resized to width x height; without a size, to its own."
STRENGTH = 0.75  # of a picture that becomes another, as AUTOMATIC1111 begins
INPAINT_STRENGTH = 1.0  # what is drawn anew keeps nothing of what was there
# What makes no sense without another field: mask_blur without mask.
NEEDS = {"mask": "init_image", "strength": "init_image", "mask_mode": "mask", "mask_blur": "mask"}


class PictureField(LongText):
    """A picture: an id, a URL, or a file from a multipart body."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"help_text": PICTURE_HELP, **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        """Return the text or the file; whether there is a picture behind it, the intake says."""
        return data if isinstance(data, UploadedFile) else super().to_internal_value(data)

    def _check(self, data: Any) -> None:
        if not isinstance(data, UploadedFile):
            super()._check(data)


@dataclass(frozen=True)
class Start:
    """The pictures that a request begins from, and in which way its mask is meant."""

    init_image: Upload | None = None
    mask: Upload | None = None
    mask_mode: str = ""


NOTHING = Start()


def refuse_incomplete(attrs: Mapping[str, Any]) -> None:
    """Raise ValidationError for a field that lacks the one it is about."""
    for name, needed in NEEDS.items():
        if name in attrs and needed not in attrs:
            rule = f"{name} is about {needed}, which is not there. Give {needed}, or leave {name} out."
            raise serializers.ValidationError({name: [rule]}, code="invalid_value")


def strength_of(asked: Mapping[str, Any]) -> float:
    """Return how far the pictures go from where they begin; 1 when they begin from nothing."""
    if "init_image" not in asked:
        return 1.0
    return float(asked.get("strength", INPAINT_STRENGTH if "mask" in asked else STRENGTH))


def take_start(tenant: Tenant, asked: Mapping[str, Any]) -> Start:
    """Take in the pictures that these validated fields begin from. Raises ApiError."""
    if "init_image" not in asked:
        return NOTHING
    init_image = take_picture(tenant, asked["init_image"], "init_image")
    if "mask" not in asked:
        return Start(init_image)
    mask, mode = take_picture(tenant, asked["mask"], "mask"), asked.get("mask_mode", "alpha")
    _refuse_other_size(mask, init_image)
    _refuse_empty(mask, mode)
    return Start(init_image, mask, mode)


def _refuse_other_size(mask: Upload, init_image: Upload) -> None:
    if (mask.width, mask.height) != (init_image.width, init_image.height):
        message = (
            f"The mask has {mask.width}x{mask.height} pixels, the init_image {init_image.width}x{init_image.height}. "
            "Give both the same size."
        )
        raise ApiError(400, "mask_size_mismatch", message, param="mask")


def _refuse_empty(mask: Upload, mode: str) -> None:
    """Raise ApiError for a mask that leaves nothing to draw: most often it was made for the other mode."""
    if _leaves_something(mask, mode):
        return
    if mode == "alpha":
        message = "No pixel of the mask is transparent, so nothing would be drawn anew. A mask in black and white "
        message += "wants mask_mode white."
    else:
        message = (
            "The mask is black, so nothing would be drawn anew. A mask with transparent pixels wants mask_mode alpha."
        )
    raise ApiError(400, "invalid_mask", message, param="mask")


@lru_cache(maxsize=256)
def _leaves_something(mask: Upload, mode: str) -> bool:
    """Return whether the mask gives anything to be drawn anew. An upload never changes, so it is looked at once."""
    levels = drawn_anew(open_picture(mask), cast(MaskMode, mode)).histogram()
    return any(levels[spec.DRAWN_ANEW :])
