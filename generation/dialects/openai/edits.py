"""The door to pictures that begin from another: the whole of it changed, or what a mask leaves open."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from generation import orders
from generation.dialects.openai.fields import ImagesSerializer
from generation.dialects.openai.forms import said_in
from generation.dialects.openai.images import ANSWERS, accepted
from generation.picture_orders import STRENGTH, PictureField
from idempotency.once import OnceOrJoined
from quotas.headers import ShowsLimits
from tenants.callers import Caller
from tenants.models import Scope
from wire.errors import ApiError
from wire.fields import OneOf

# How far from the picture an edit without a mask goes. With a mask, what it leaves open is drawn anew altogether.
STRENGTHS = {"low": STRENGTH, "high": 0.5}


class OnePicture(PictureField):
    """One picture, also as a list of one."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the file, or the text that names the picture."""
        if isinstance(data, list) and len(data) > 1:
            raise self.refusal("too_many_images", f"may be one picture, these are {len(data)}. Send the one to edit")
        return super().run_validation(data[0] if isinstance(data, list) and data else data)


class EditSerializer(ImagesSerializer):
    """The fields of `images.edit`, with ours beside them."""

    # OpenAI's word is image; an edit has no moderation.
    init_image = moderation = None  # type: ignore[assignment]

    image = OnePicture(help_text="The picture to edit: a file; or the id of an image or an upload.")
    mask = PictureField(required=False, help_text="A PNG of the same size, transparent where the picture may change.")
    input_fidelity = OneOf(
        list(STRENGTHS), required=False, allow_null=True,
        help_text="Without a mask. high stays closer to the picture: strength 0.5 instead of 0.75.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse fields that contradict one another."""
        if "input_fidelity" in attrs and attrs.keys() & {"strength", "mask"}:
            rule = "input_fidelity is for edits without a mask and strength, which says the same as a number."
            raise serializers.ValidationError({"input_fidelity": [rule]}, code="invalid_value")
        return super().validate(attrs | {"init_image": attrs["image"]})

    def order(self, caller: Caller) -> orders.Order:
        """Return the caller's order in our words. Raises ApiError."""
        if "mask" not in self.validated_data:
            self.validated_data.setdefault("strength", self.usual_strength)
        with in_openais_words():
            return super().order(caller)

    @property
    def usual_strength(self) -> float:
        """Return how far from the picture to go when nobody says."""
        return STRENGTHS[self.validated_data.get("input_fidelity", "low")]


@contextmanager
def in_openais_words() -> Iterator[None]:
    """Let refusals speak of `image`, which is `init_image` to us."""
    try:
        yield
    except ApiError as refusal:
        message = refusal.message.replace("init_image", "image")
        param = "image" if refusal.param == "init_image" else refusal.param
        raise ApiError(
            refusal.status, refusal.code, message, param=param, limit=refusal.limit, **refusal.headers
        ) from refusal


class Edits(OnceOrJoined, ShowsLimits):
    """`POST /v1/images/edits`."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request={"multipart/form-data": EditSerializer}, responses=ANSWERS)
    def post(self, request: Request) -> Response:
        """Change a picture and answer when it is ready, or tell of it on a stream."""
        asked = EditSerializer(data=said_in(request.data, EditSerializer().fields))
        asked.is_valid(raise_exception=True)
        return accepted(request, asked, "image_edit")
