"""The native API's doors to the shelf."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loras.finding import search, usable_loras
from loras.models import ControlNet, Lora
from loras.serializers import CheckpointSerializer, ControlNetSerializer, LoraSerializer, PresetSerializer
from loras.services import base_checkpoints
from tenants.authentication import caller
from tenants.callers import Caller
from wire.errors import ApiError
from wire.finding import named
from wire.paging import PAGE_PARAMETERS, list_of, listing, page, page_of

SEARCH_PARAMETERS = [
    OpenApiParameter("q", str, description="Words of its name, title, trigger words or tags."),
    OpenApiParameter("hash", str, description="Any hash of any of its files: SHA-256, AutoV1, AutoV2, AutoV3, CRC32."),
    *PAGE_PARAMETERS,
]


class Checkpoints(APIView):
    """What can be asked for by `checkpoint`."""

    @extend_schema(responses=list_of(CheckpointSerializer))
    def get(self, request: Request) -> Response:
        """List the checkpoints, the default first."""
        return Response(
            {"object": "list", "data": CheckpointSerializer(base_checkpoints(caller(request)), many=True).data}
        )


class Presets(APIView):
    """What can be asked for by `preset`."""

    @extend_schema(responses=list_of(PresetSerializer))
    def get(self, request: Request) -> Response:
        """List the checkpoints' presets, the default checkpoint's first."""
        declared = [(each, preset) for each in base_checkpoints(caller(request)) for preset in each.presets]
        rows = [{"checkpoint": checkpoint.name, **preset} for checkpoint, preset in declared]
        return Response({"object": "list", "data": PresetSerializer(rows, many=True).data})


class ControlNets(APIView):
    """What a picture can be made to follow."""

    @extend_schema(responses=list_of(ControlNetSerializer))
    def get(self, request: Request) -> Response:
        """List the ControlNets."""
        rows = ControlNet.objects.order_by("name")
        return Response({"object": "list", "data": ControlNetSerializer(rows, many=True).data})


def find_lora(caller: Caller, lora_id: str) -> Lora:
    """Return a LoRA that the caller may use. Raises ApiError: another's looks like none."""
    return named(usable_loras(caller).prefetch_related("versions"), lora_id, "lora")


class Loras(APIView):
    """What can be asked for by `loras`."""

    @extend_schema(responses=page_of(LoraSerializer), parameters=SEARCH_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the LoRAs that you may use, newest first."""
        words, hash = (_text(request, name) for name in ("q", "hash"))
        rows, has_more = page(search(caller(request), words, hash), request.query_params, "lora")
        return Response(listing(rows, has_more, LoraSerializer().to_representation))


def _text(request: Request, name: str) -> str:
    """Return a query parameter's text. Raises ApiError for one that PostgreSQL would refuse."""
    text = request.query_params.get(name, "")
    if "\0" in text or len(text) > 200:
        raise ApiError(400, "invalid_value", f"{name} may have 200 characters, and no NUL among them.", param=name)
    return text


class OneLora(APIView):
    """One LoRA."""

    @extend_schema(responses=LoraSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one LoRA with its versions."""
        return Response(LoraSerializer(find_lora(caller(request), id)).data)
