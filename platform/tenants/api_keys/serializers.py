"""What may a request say of a key, and how does a key look in JSON? Also the source of the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api_keys.limits import MOST
from tenants.api_keys.services import MOST_OVERLAP_SECONDS, OVERLAP_SECONDS
from tenants.models import ApiKey, Scope
from wire.fields import Instant, StrictInteger, StrictSerializer, StrictText, StrictValues

MOST_REQUESTS_PER_MINUTE = 100_000
NAME_CHARS = 100


class Texts(StrictValues):
    """A JSON list of different strings; one of `choices` each, where there are any."""

    def __init__(self, most: int, choices: Sequence[str] = (), **kwargs: Any) -> None:
        self.choices = list(choices)
        super().__init__(most, **kwargs)
        each = {"type": "string", "enum": self.choices} if choices else {"type": "string"}
        extend_schema_field({"type": "array", "items": each, "minItems": 1, "maxItems": most, "uniqueItems": True})(
            self
        )

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the strings."""
        texts = super().to_internal_value(data)
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise self._wrong(place, "invalid_type", "must be a string")
            if self.choices and text not in self.choices:
                raise self._wrong(place, "invalid_value", f"must be one of: {', '.join(self.choices)}")
            if text in texts[:place]:
                raise self._wrong(place, "invalid_value", "is there twice. Name it once")
        return texts

    def _wrong(self, place: int, code: str, rule: str) -> serializers.ValidationError:
        at: dict[Any, Any] = {place: [f"{self.field_name}[{place}] {rule}."]}
        return serializers.ValidationError(at, code=code)


class KeyFields(StrictSerializer):
    """What can be said of a key at any time."""

    name = StrictText(max_length=NAME_CHARS)
    expires_at = Instant(allow_null=True, required=False, help_text="null: never.")
    requests_per_minute = StrictInteger(
        min_value=1,
        max_value=MOST_REQUESTS_PER_MINUTE,
        allow_null=True,
        required=False,
        help_text="null: the tenant's.",
    )
    checkpoints = Texts(
        MOST, allow_null=True, required=False, help_text="By id, refiners among them; null: all. Others look like none."
    )
    loras = Texts(MOST, allow_null=True, required=False, help_text="By id; null: all. Others look like none.")


class KeyOrderSerializer(KeyFields):
    """The fields of `POST /api/v1/keys`."""

    scopes = Texts(len(Scope.values), Scope.values, help_text="What it is for; at most what you may do yourself.")


class KeyChangeSerializer(KeyFields):
    """The fields of `PATCH /api/v1/keys/{id}`."""

    name = StrictText(max_length=NAME_CHARS, required=False)


class RotationSerializer(StrictSerializer):
    """The fields of `POST /api/v1/keys/{id}/rotate`."""

    overlap_seconds = StrictInteger(
        min_value=0, max_value=MOST_OVERLAP_SECONDS, default=OVERLAP_SECONDS, help_text="How long the old key goes on."
    )
    expires_at = Instant(
        required=False, help_text="Of the new key. When absent it lives as long as the old one was to."
    )


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key, without what opens the door."""

    object = serializers.ReadOnlyField(default="key")
    status = serializers.CharField(help_text="active, expired or revoked")
    created_by = serializers.CharField(source="created_by.email", default=None, allow_null=True)
    replaces = serializers.CharField(source="replaces_id", allow_null=True)

    class Meta:
        model = ApiKey
        fields = [
            "id", "object", "name", "prefix", "status", "scopes", "checkpoints", "loras", "requests_per_minute",
            "created_at", "created_by", "replaces", "expires_at", "revoked_at", "last_used_at",
        ]  # fmt: skip


class NewKeySerializer(KeySerializer):
    """A new key, with its secret for the only time."""

    secret = serializers.CharField(help_text="Nobody can read it again.")

    class Meta:
        model = ApiKey
        fields = [*KeySerializer.Meta.fields, "secret"]
