"""How does an upload look in JSON, and in which ways may its picture be given?"""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.intake.uploads import KEPT
from generation.models import Upload
from generation.serializers import absolute
from wire.fields import LongText, StrictSerializer, StrictText

MAX_URL_CHARS = 4096


@extend_schema_field(OpenApiTypes.BINARY)
class PartField(serializers.Field[Any, Any, Any, Any]):
    """A file that comes as a part of a multipart body."""

    def to_internal_value(self, data: Any) -> UploadedFile:
        """Return the file, whatever is in it."""
        if not isinstance(data, UploadedFile):
            message = f"{self.field_name} must be a part of a multipart/form-data body, with a filename."
            raise serializers.ValidationError(message, code="invalid_type")
        return data


class GivenSerializer(StrictSerializer):
    """A picture, given in one of three ways."""

    file = PartField(required=False, help_text="A part of a multipart body.")
    data = LongText(required=False, help_text="A data: URL.")  # type: ignore[assignment]
    url = StrictText(required=False, max_length=MAX_URL_CHARS, help_text="An https: URL on a public server.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a picture that is given in no way or in two."""
        if len(attrs) != 1:
            code = "invalid_value" if attrs else "missing_required_parameter"
            raise serializers.ValidationError({"file": ["Give one picture: as file, data or url."]}, code=code)
        return attrs


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """An upload; its URL wants the key or the session."""

    object = serializers.ReadOnlyField(default="upload")
    expires_at = serializers.SerializerMethodField(help_text="Not while a generation was made with it.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = ["id", "object", "width", "height", "size_bytes", "sha256", "created_at", "expires_at", "url"]

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_expires_at(self, upload: Upload) -> Any:
        """Return until when it is kept if nobody asks for it."""
        return serializers.DateTimeField().to_representation(upload.used_at + KEPT)

    def get_url(self, upload: Upload) -> str:
        """Return where the file is."""
        return absolute(f"/api/v1/uploads/{upload.pk}/content")
