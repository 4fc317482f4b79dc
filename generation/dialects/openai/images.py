"""The door to pictures from a prompt alone, and what all of OpenAI's doors to pictures do with a checked request."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from generation.dialects.openai.answers import answer
from generation.dialects.openai.fields import ImagesSerializer
from generation.dialects.openai.streaming import Kind, stream_of
from generation.orders import hurried
from generation.services import request_generation
from generation.views import MAX_WAIT_SECONDS
from jobs.waiting import Wait
from jobs.watch import WATCH
from quotas.headers import ShowsLimits
from tenants.authentication import caller
from tenants.models import Scope


class Images(ShowsLimits):
    """`POST /v1/images/generations`."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=ImagesSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        """Make pictures and answer when they are ready, or tell of them on a stream."""
        asked = ImagesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return accepted(request, asked, "image_generation")


def accepted(request: Request, asked: ImagesSerializer, kind: Kind) -> Response:
    """Accept a checked request; the answer waits for its pictures. Raises ApiError."""
    WATCH.check_room(caller(request).tenant.pk)
    wanted = hurried(asked.order(caller(request).tenant), request.headers)
    job = request_generation(caller(request), wanted)
    response, said = Response(status=202), asked.said
    if said.is_streamed:
        response.stream = stream_of(job, said, kind)  # type: ignore[attr-defined]
    else:
        response.wait = Wait(job, MAX_WAIT_SECONDS, lambda: answer(job, said))  # type: ignore[attr-defined]
    return response
