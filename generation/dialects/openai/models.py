"""Which checkpoints are there, in OpenAI's words?"""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import orders
from loras.models import Checkpoint
from loras.services import base_checkpoints
from tenants.authentication import caller


class Models(APIView):
    """`GET /v1/models`."""

    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="models_list")
    def get(self, request: Request) -> Response:
        """List the checkpoints as models."""
        return Response({"object": "list", "data": [_as_model(base) for base in base_checkpoints(caller(request))]})


class Model(APIView):
    """`GET /v1/models/{model}`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str) -> Response:
        """Return one checkpoint as a model."""
        return Response(_as_model(orders.find_checkpoint(caller(request), name, param="model")))


def _as_model(checkpoint: Checkpoint) -> dict[str, Any]:
    created = int(checkpoint.created_at.timestamp())
    return {"id": checkpoint.name, "object": "model", "created": created, "owned_by": "darkroom"}
