"""What may a request say of the job rather than of its pictures: how urgent it is, until when, and whom to tell?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.fields import empty

from jobs.deadlines import CANCEL_AFTER as DURATION
from jobs.deadlines import HEADER
from jobs.models import Tier
from webhooks.addresses import check_text
from webhooks.events import EVENTS
from wire.fields import Instant, OneOf, SomeOf, StrictSerializer, StrictText

PREFIX = "job."  # of all that a request's own address can hear of: `completed` says the same as `job.completed`
CANCEL_AFTER = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": f"^{DURATION.pattern}$"},
    OpenApiParameter.HEADER,
    description="90, 90s, 5m or 2h: cancelled if it has not finished by then.",
)


class WebhookSerializer(StrictSerializer):
    """An address that hears of this job alone: an object, or the address itself."""

    url = StrictText(help_text="An https: URL of a public server.")
    events = SomeOf(
        [*EVENTS, *(event.removeprefix(PREFIX) for event in EVENTS)],
        default=list, help_text="Of what it hears; empty: all. completed is short for job.completed.",
    )  # fmt: skip

    def run_validation(self, data: Any = empty) -> Any:
        """Return the validated values."""
        return super().run_validation({"url": data} if isinstance(data, str) else data)


class TermsSerializer(StrictSerializer):
    """The fields of a request that are about its job."""

    tier = OneOf(
        Tier.values, required=False,
        help_text="interactive when absent and you wait, else standard; flex waits for others at half the charge.",
    )  # fmt: skip
    finish_by = Instant(required=False, help_text="Cancelled if it has not finished by then; or send Cancel-After: 5m.")
    webhook = WebhookSerializer(required=False)
    quote = StrictText(max_length=40, required=False, help_text="The id of a quote that is to be honoured.")


@dataclass(frozen=True)
class Terms:
    """What was said of a job."""

    tier: str = Tier.STANDARD
    finish_by: datetime | None = None
    deadline_param: str = "finish_by"
    webhook_url: str = ""
    webhook_events: tuple[str, ...] = ()
    quote: str = ""


PLAIN_TERMS = Terms()


def terms_of(asked: dict[str, Any]) -> Terms:
    """Return what the validated fields say of the job. Raises ApiError for an address that messages may not go to."""
    webhook = asked.get("webhook", {})
    if webhook:
        check_text(webhook["url"], "webhook.url")
    return Terms(
        tier=asked.get("tier", Tier.STANDARD),
        finish_by=asked.get("finish_by"),
        webhook_url=webhook.get("url", ""),
        webhook_events=tuple(dict.fromkeys(event.removeprefix(PREFIX) for event in webhook.get("events", ()))),
        quote=asked.get("quote", ""),
    )
