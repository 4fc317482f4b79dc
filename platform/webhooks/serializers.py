"""How do webhooks look in JSON, and what may be said of them? Also the source of the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webhooks.addresses import MAX_URL_CHARS
from webhooks.events import EVENTS, EVENTS_HELP
from webhooks.models import Delivery, DeliveryAttempt, Endpoint, Secret
from wire.fields import OneOf, SomeOf, StrictSerializer, StrictText

STATUSES = ("enabled", "disabled")


class UrlField(StrictText):
    """An address; whether messages may go there, `webhooks.addresses` says."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.help_text = f"An https: URL of a public server, {MAX_URL_CHARS} characters at most."


class EndpointOrderSerializer(StrictSerializer):
    """The fields of `POST /api/v1/webhooks`."""

    url = UrlField()
    description = StrictText(max_length=200, allow_blank=True, default="")
    events = SomeOf(EVENTS, default=list, help_text=EVENTS_HELP)


class EndpointChangeSerializer(StrictSerializer):
    """The fields of `PATCH /api/v1/webhooks/{id}`."""

    url = UrlField(required=False)
    description = StrictText(max_length=200, allow_blank=True, required=False)
    events = SomeOf(EVENTS, required=False, help_text=EVENTS_HELP)
    status = OneOf(STATUSES, required=False)


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """An address that hears of what happens."""

    object = serializers.ReadOnlyField(default="webhook")
    status = serializers.SerializerMethodField()
    events = serializers.ListField(child=serializers.CharField(), help_text=EVENTS_HELP)

    class Meta:
        model = Endpoint
        fields = [
            "id", "object", "url", "description", "events", "status", "created_at", "failing_since", "disabled_at",
            "disabled_because",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=STATUSES))
    def get_status(self, endpoint: Endpoint) -> str:
        """Return whether messages are sent there."""
        return STATUSES[endpoint.disabled_at is not None]


class SecretSerializer(serializers.ModelSerializer[Secret]):
    """What signs messages."""

    object = serializers.ReadOnlyField(default="webhook_secret")

    class Meta:
        model = Secret
        fields = ["object", "secret", "created_at", "retires_at"]


class NewEndpointSerializer(EndpointSerializer):
    """A webhook with its secret, which is shown now and after a rotation."""

    secret = serializers.CharField()

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]


class AttemptSerializer(serializers.ModelSerializer[DeliveryAttempt]):
    """How one attempt went."""

    error = serializers.CharField(help_text="Why there was no answer; empty when there was one.")

    class Meta:
        model = DeliveryAttempt
        fields = ["at", "status", "error", "seconds"]


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One message on its way to one address."""

    object = serializers.ReadOnlyField(default="webhook_delivery")
    webhook = serializers.CharField(source="endpoint_id", allow_null=True, help_text="None: a request named the url.")
    message = serializers.CharField(source="message_id", help_text="The webhook-id of each attempt.")
    type = serializers.CharField(source="message.type")
    subject = serializers.CharField(source="message.subject", help_text="The id of what it is about.")
    next_attempt_at = serializers.SerializerMethodField()
    attempts = AttemptSerializer(source="log", many=True)

    class Meta:
        model = Delivery
        fields = [
            "id", "object", "webhook", "message", "type", "subject", "url", "state",
            "created_at", "ended_at", "next_attempt_at", "attempts",
        ]  # fmt: skip

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: Delivery) -> Any:
        """Return before when it is not tried again, while it is tried."""
        if delivery.state != Delivery.State.PENDING:
            return None
        return serializers.DateTimeField().to_representation(delivery.next_at)


def endpoint_json(endpoint: Endpoint, secret: Secret) -> dict[str, Any]:
    """Return an endpoint with its new secret."""
    return {**EndpointSerializer(endpoint).data, "secret": secret.secret}


def secrets_json(secrets: Sequence[Secret]) -> dict[str, Any]:
    """Return what signs messages now, the newest first: two while one replaces the other."""
    return {"object": "list", "data": [SecretSerializer(secret).data for secret in secrets]}


def endpoint_data(tenant_id: str, endpoint_id: str, event: str) -> dict[str, Any]:
    """Return what a test message says."""
    endpoint = Endpoint.objects.for_tenant(tenant_id).filter(pk=endpoint_id).first()
    return dict(EndpointSerializer(endpoint).data) if endpoint else {"id": endpoint_id, "object": "webhook"}
