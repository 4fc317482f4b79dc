"""The native API's door to the workers, for the operators of this server."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs.models import Worker
from tenants.authentication import caller
from wire.errors import ApiError
from wire.paging import list_of


class ResidentSerializer(serializers.Serializer[Worker]):
    """Weights in a worker's memory."""

    kind = serializers.CharField()
    name = serializers.CharField()
    where = serializers.CharField(help_text="device or host")
    nbytes = serializers.IntegerField()
    held = serializers.IntegerField(help_text="How many use it right now.")
    idle_seconds = serializers.FloatField()
    why = serializers.CharField()


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    """A GPU worker as last seen."""

    object = serializers.ReadOnlyField(default="worker")
    resident = ResidentSerializer(many=True)

    class Meta:
        model = Worker
        fields = ["name", "object", "host", "started_at", "seen_at", "ready", "holding", "resident"]


class Workers(APIView):
    """Who draws, and with what in memory."""

    @extend_schema(responses=list_of(WorkerSerializer))
    def get(self, request: Request) -> Response:
        """List the workers. Only operators, signed in to the console, may: what is resident tells who draws what."""
        user = caller(request).user
        if user is None or not user.is_staff:
            raise ApiError(403, "operators_only", "Only this server's operators, signed in, may see its workers.")
        rows = WorkerSerializer(Worker.objects.order_by("-seen_at"), many=True).data
        return Response({"object": "list", "data": rows})
