"""The native API's doors to the shelf."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loras.models import Checkpoint
from loras.services import default_checkpoint


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    """A checkpoint and what it wants when a request says nothing."""

    object = serializers.ReadOnlyField(default="checkpoint")
    defaults = serializers.DictField()

    class Meta:
        model = Checkpoint
        fields = ["id", "object", "name", "title", "defaults"]


class Checkpoints(APIView):
    """What can be asked for by `checkpoint`."""

    @extend_schema(responses=CheckpointSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the checkpoints that the workers have loaded."""
        loaded = default_checkpoint()
        rows = [loaded] if loaded else []
        return Response({"object": "list", "data": CheckpointSerializer(rows, many=True).data})
