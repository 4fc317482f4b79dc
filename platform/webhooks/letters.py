"""What does a receiver get? The same body at each attempt, signed anew as Standard Webhooks says."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.serializers import DateTimeField
from rest_framework.utils.encoders import JSONEncoder
from standardwebhooks.webhooks import Webhook

from webhooks.models import Delivery, Message
from webhooks.secrets import live_secrets, request_secrets


@dataclass(frozen=True)
class Letter:
    """A message, ready to go."""

    url: str
    body: str
    headers: dict[str, str]


def letter_of(delivery: Delivery, at: datetime) -> Letter:
    """Return what to send now, signed with every live secret of the endpoint, or of the tenant's requests."""
    body = _body(delivery.message)
    secrets = live_secrets(delivery.tenant_id, delivery.endpoint) or request_secrets(delivery.tenant_id)
    signatures = [Webhook(each.secret).sign(delivery.message_id, at, body) for each in secrets]
    headers = {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return Letter(delivery.url, body, headers)


def _body(message: Message) -> str:
    """Return the body as it was first rendered, by whichever sender was first."""
    if not message.body:
        Message.objects.filter(pk=message.pk, body="").update(body=_rendered(message))
        message.refresh_from_db(fields=["body"])
    return message.body


def _rendered(message: Message) -> str:
    kind = message.subject.partition("_")[0]
    data_of: Callable[[str, str, str], dict[str, Any]] = import_string(settings.WEBHOOK_BODIES[kind])
    said = {
        "type": message.type,
        "timestamp": DateTimeField().to_representation(message.created_at),
        "data": data_of(message.tenant_id, message.subject, message.type),
    }
    return json.dumps(said, cls=JSONEncoder, separators=(",", ":"))
