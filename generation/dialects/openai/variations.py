"""The door to variations of a picture: what it shows is drawn again, moderately far from it."""

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from generation import orders
from generation.dialects.openai.edits import EditSerializer
from generation.dialects.openai.forms import said_in
from generation.dialects.openai.images import accepted
from generation.dialects.openai.remembering import prompt_in
from generation.models import Image
from generation.prompt_field import PromptField
from quotas.headers import ShowsLimits
from tenants.models import Scope, Tenant
from wire.ids import is_id

STRENGTH = 0.6  # the same thing in another way, rather than another thing
NEUTRAL_PROMPT = "a picture"


class VariationSerializer(EditSerializer):
    """The fields of `images.create_variation`, with ours beside them."""

    # What variations do not have.
    mask = mask_mode = mask_blur = input_fidelity = None  # type: ignore[assignment]
    quality = background = stream = partial_images = None  # type: ignore[assignment]

    prompt = PromptField(
        required=False,
        help_text="What the picture shows. When absent: the prompt it was made of, if it was made here.",
    )  # fmt: skip

    usual_strength = STRENGTH

    def order(self, tenant: Tenant) -> orders.Order:
        """Return the tenant's order in our words. Raises ApiError."""
        if "prompt" not in self.validated_data:
            self.validated_data["prompt"] = _remembered(tenant, self.validated_data["image"]) or NEUTRAL_PROMPT
        return super().order(tenant)


def _remembered(tenant: Tenant, picture: str | UploadedFile) -> str | None:
    """Return the prompt that a picture was made of here, None when it was not or does not say."""
    if isinstance(picture, UploadedFile):
        return prompt_in(picture)
    if not is_id(picture, "img"):
        return None
    image = Image.objects.for_tenant(tenant).filter(pk=picture).select_related("job").first()
    return image.job.prompt if image else None


class Variations(ShowsLimits):
    """`POST /v1/images/variations`."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request={"multipart/form-data": VariationSerializer}, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Vary a picture and answer when the variations are ready."""
        asked = VariationSerializer(data=said_in(request.data, VariationSerializer().fields))
        asked.is_valid(raise_exception=True)
        return accepted(request, asked, "image_edit")
