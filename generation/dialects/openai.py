"""OpenAI's Images API (api.md 1): its official clients work unmodified; what we cannot honour is refused by name."""

import base64
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import orders, storage
from generation.engine import spec
from generation.links import link_to
from generation.models import GenerationJob, Image
from generation.services import request_generation
from generation.views import MAX_WAIT_SECONDS, find_generation
from jobs.models import Status
from jobs.waiting import Wait, waits
from jobs.watch import WATCH
from loras.models import Checkpoint
from loras.services import base_checkpoints
from tenants.authentication import caller
from tenants.models import Scope, Tenant
from wire import errors
from wire.errors import ApiError
from wire.fields import OneOf, StrictInteger, StrictText

# A job that failed is final: without this header OpenAI's clients would ask, and pay, twice more.
FINAL = {"x_should_retry": "false"}
STATUS_OF = {"gpu_out_of_memory": 400, "invalid_output": 500, "worker_crashed": 500, "internal_error": 500}


class AutoSize(orders.SizeField):
    """`WIDTHxHEIGHT`, or `auto` for the checkpoint's own size."""

    def to_internal_value(self, data: Any) -> Any:
        """Return (width, height), or None for auto."""
        return None if data == "auto" else super().to_internal_value(data)


class Unstreamed(serializers.BooleanField):
    """Whether to stream, which we do not."""

    def to_internal_value(self, data: Any) -> bool:
        """Return False."""
        if data is not False:
            raise serializers.ValidationError("stream must be false: pictures come whole.", code="invalid_value")
        return False


class ImagesSerializer(orders.OrderSerializer):
    """The fields of `images.generate`, with ours beside them (the client's `extra_body`)."""

    # Ours, which OpenAI says in other words.
    width = height = checkpoint = output_quality = None  # type: ignore[assignment]

    model = StrictText(max_length=100, required=False, allow_null=True)
    n = StrictInteger(min_value=spec.N[0], max_value=spec.N[1], default=1, allow_null=True)
    size = AutoSize(required=False, allow_null=True)
    response_format = OneOf(["url", "b64_json"], default="url", allow_null=True)
    output_format = OneOf(orders.FORMATS, default="png", allow_null=True)
    output_compression = StrictInteger(min_value=0, max_value=100, required=False, allow_null=True)
    user = StrictText(max_length=200, required=False, allow_null=True, help_text="Accepted, not stored.")
    # Only the values that change nothing here; the others are refused, never ignored.
    background = OneOf(["auto", "opaque"], required=False, allow_null=True)
    moderation = OneOf(["auto", "low"], required=False, allow_null=True)
    quality = OneOf(["auto", "standard"], required=False, allow_null=True)
    partial_images = StrictInteger(min_value=0, max_value=0, required=False, allow_null=True)
    stream = Unstreamed(required=False, allow_null=True)

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        """Return the validated values; where null is allowed it means the default, as with OpenAI."""
        nulls = {name for name, field in self.fields.items() if field.allow_null and data.get(name, ...) is None}
        return super().to_internal_value({name: value for name, value in data.items() if name not in nulls})

    def order(self, tenant: Tenant) -> orders.Order:
        """Return the tenant's order in our words. Raises ApiError."""
        asked = {name: value for name, value in self.validated_data.items() if value is not None or name == "seed"}
        checkpoint = orders.find_checkpoint(_model(asked.pop("model", None)), param="model")
        quality = max(1, asked.get("output_compression", 90))
        return orders.order(tenant, asked | {"checkpoint": checkpoint.pk, "output_quality": quality})


def _model(name: str | None) -> str | None:
    """Return our checkpoint's name; the operator may let OpenAI's model names mean the default one."""
    return None if name in settings.OPENAI_MODEL_ALIASES else name


class Images(APIView):
    """`POST /v1/images/generations`."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=ImagesSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Make pictures and answer when they are ready."""
        asked = ImagesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        WATCH.check_room(caller(request).tenant.pk)
        job = request_generation(caller(request), asked.order(caller(request).tenant))
        response = Response(status=202)
        as_base64 = asked.validated_data["response_format"] == "b64_json"
        response.wait = Wait(job, MAX_WAIT_SECONDS, lambda: _answer(job, as_base64))  # type: ignore[attr-defined]
        return response


def _answer(job: GenerationJob, as_base64: bool) -> HttpResponse:
    job = find_generation(job.tenant, job.pk)
    if job.status != Status.SUCCEEDED:
        return errors.answer(_refusal(job))
    body = {
        "created": int(job.created_at.timestamp()),
        "data": [_item(image, as_base64) for image in sorted(job.images.all(), key=lambda image: image.index)],
        "background": "opaque",
        "output_format": job.output_format,
        "quality": "standard",
        "size": f"{job.width}x{job.height}",
        "generation": job.pk,
    }
    return JsonResponse(body)


def _item(image: Image, as_base64: bool) -> dict[str, Any]:
    where = {"b64_json": base64.b64encode(storage.read(image.blob)).decode()} if as_base64 else {"url": link_to(image)}
    return {**where, "seed": image.seed, "id": image.pk}


def _refusal(job: GenerationJob) -> ApiError:
    if job.status == Status.FAILED:
        return ApiError(STATUS_OF.get(job.error_code, 500), job.error_code, job.error_message, **FINAL)
    if job.status == Status.CANCELLED:
        return ApiError(400, "cancelled_by_client", f"The generation {job.pk} was cancelled.", **FINAL)
    message = f"Not ready after {MAX_WAIT_SECONDS} s. It goes on: GET /api/v1/generations/{job.pk}."
    return ApiError(503, "still_running", message, **FINAL)


class Models(APIView):
    """`GET /v1/models`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """List the checkpoints as models."""
        return Response({"object": "list", "data": [_as_model(base) for base in base_checkpoints()]})


class Model(APIView):
    """`GET /v1/models/{model}`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str) -> Response:
        """Return one checkpoint as a model."""
        return Response(_as_model(orders.find_checkpoint(name, param="model")))


def _as_model(checkpoint: Checkpoint) -> dict[str, Any]:
    created = int(checkpoint.created_at.timestamp())
    return {"id": checkpoint.name, "object": "model", "created": created, "owned_by": "darkroom"}


urlpatterns = [
    path("images/generations", waits(Images.as_view())),
    path("models", Models.as_view()),
    path("models/<path:name>", Model.as_view()),
]
