"""The native API's door to usage: JSON for programs, CSV for spreadsheets."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.usage.services import WAYS, Row, total, usage
from generation.usage.spans import MAX_DAYS, USUAL_DAYS, Span, span_of
from jobs.threads import each_in_thread
from tenants.authentication import caller
from tenants.models import Scope, Tenant
from wire.queries import one_of
from wire.spreadsheets import csv_lines

FORMATS = ("json", "csv")
COLUMNS = ("id", "name", "jobs", "images", "gpu_seconds")


class CsvRenderer(BaseRenderer):
    """Lets a caller ask for CSV by its Accept header."""

    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """Return a refusal as JSON, which is all that comes here."""
        return bytes(JSONRenderer().render(data))


class UsageSumSerializer(serializers.Serializer[Row]):
    """What some jobs came to."""

    jobs = serializers.IntegerField()
    images = serializers.IntegerField()
    gpu_seconds = serializers.FloatField(source="seconds")


class UsageRowSerializer(UsageSumSerializer):
    """What one day, key, LoRA or checkpoint came to."""

    id = serializers.CharField(help_text="A day, or the id of a key, LoRA or checkpoint; empty: the dashboard.")
    name = serializers.CharField()


class UsageSerializer(serializers.Serializer[Any]):
    """What was used in some days. A job with several LoRAs counts for each; the total counts it once."""

    object = serializers.CharField(default="usage")
    by = serializers.ChoiceField(choices=list(WAYS))
    first_day = serializers.DateField(help_text="By your tenant's calendar, as the last.")
    last_day = serializers.DateField()
    data = UsageRowSerializer(many=True)  # type: ignore[assignment]  # DRF takes it out of the class's own names
    total = UsageSumSerializer()


class Usage(APIView):
    """What your tenant has used."""

    scopes = {"GET": Scope.READ}
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        responses=UsageSerializer,
        parameters=[
            OpenApiParameter("from", str, description=f"The first day, like 2026-11-24; {USUAL_DAYS} days if absent."),
            OpenApiParameter("to", str, description=f"The last day, today if absent; {MAX_DAYS} days at most."),
            OpenApiParameter("by", str, enum=list(WAYS), description="day if absent."),
            OpenApiParameter("format", str, enum=FORMATS, description="csv, or the header Accept: text/csv."),
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return what was used, by day, key, LoRA or checkpoint. Whatever has ended counts for the day it was asked."""
        by = one_of(request.query_params, "by", tuple(WAYS))
        accepted = request.accepted_renderer.format if request.accepted_renderer else FORMATS[0]
        wanted = one_of(request.query_params, "format", FORMATS) if "format" in request.query_params else accepted
        tenant = caller(request).tenant
        span = span_of(tenant, request.query_params)
        rows = usage(tenant, span, by)
        return csv_response(rows, span, by) if wanted == "csv" else Response(_json(tenant, span, by, rows))


def _json(tenant: Tenant, span: Span, by: str, rows: Sequence[Row]) -> dict[str, Any]:
    facts = {
        "object": "usage",
        "by": by,
        "first_day": span.first,
        "last_day": span.last,
        "data": rows,
        "total": total(tenant, span),
    }
    return dict(UsageSerializer().to_representation(facts))


def csv_response(rows: Sequence[Row], span: Span, by: str) -> StreamingHttpResponse:
    """Answer with the rows as a file, sent line by line; a slow reader holds no connection."""
    name = f"usage-by-{by}-{span.first}-{span.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(each_in_thread(_lines(rows)), content_type="text/csv; charset=utf-8", headers=headers)


def _lines(rows: Sequence[Row]) -> Iterator[bytes]:
    return csv_lines(COLUMNS, ((row.id, row.name, row.jobs, row.images, f"{row.ms / 1000:.3f}") for row in rows))
