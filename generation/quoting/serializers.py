"""How does a quote look in JSON? Also the source of the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.quoting.services import Estimate, Option
from quotas.models import Quote
from wire.openapi import ERROR


class QuotedCostSerializer(serializers.Serializer[Any]):
    """What it costs at most, and probably."""

    unit = serializers.CharField(default="gpu_seconds")
    quoted = serializers.FloatField()
    estimated = serializers.FloatField()


class SecondsSerializer(serializers.Serializer[Any]):
    """Seconds from now: as likely to be earlier as later, and what nine of ten are earlier than."""

    p50 = serializers.FloatField()
    p90 = serializers.FloatField()


class CheaperSerializer(serializers.Serializer[Any]):
    """A change of the request that costs less."""

    change = serializers.DictField()
    quoted = serializers.FloatField()


class SoonerSerializer(serializers.Serializer[Any]):
    """A change of the request that is done sooner."""

    change = serializers.DictField()
    finish_p50 = serializers.FloatField()


REFUSAL = ERROR | {"nullable": True, "description": "The `error` that asking for it now would meet; null: none."}


@extend_schema_field(REFUSAL)
class RefusalField(serializers.JSONField):
    """What stands in the way of a request."""


class QuoteSerializer(serializers.Serializer[Any]):
    """What a request would cost and when it would be done. Name its id as `quote` to be charged no more."""

    id = serializers.CharField()
    object = serializers.CharField(default="quote")
    expires_at = serializers.DateTimeField()
    cost = QuotedCostSerializer()
    start = SecondsSerializer()
    finish = SecondsSerializer()
    refusal = RefusalField()
    cheaper = CheaperSerializer(many=True)
    sooner = SoonerSerializer(many=True)


def quote_json(quote: Quote, found: Estimate) -> dict[str, Any]:
    """Return a quote with the estimate that it comes from."""
    price, forecast = found.price, found.forecast
    facts = {
        "id": quote.pk,
        "object": "quote",
        "expires_at": quote.expires_at,
        "cost": {"unit": "gpu_seconds", "quoted": quote.ms / 1000, "estimated": price.charged_ms / 1000},
        "start": _seconds(forecast.start_p50, forecast.start_p90),
        "finish": _seconds(forecast.finish_p50, forecast.finish_p90),
        "refusal": found.refusal.body["error"] if found.refusal else None,
        "cheaper": [_change(option, quoted=option.price.quoted_ms / 1000) for option in found.cheaper],
        "sooner": [_change(option, finish_p50=round(option.forecast.finish_p50, 1)) for option in found.sooner],
    }
    return dict(QuoteSerializer(facts).data)


def _seconds(p50: float, p90: float) -> dict[str, float]:
    return {"p50": round(p50, 1), "p90": round(p90, 1)}


def _change(option: Option, **what: float) -> dict[str, Any]:
    return {"change": option.alternative.change, **what}
