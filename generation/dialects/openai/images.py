"""The door to pictures from a prompt alone, and what all of OpenAI's doors to pictures do with a checked request."""

from collections.abc import Callable

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from generation.dialects.openai.answers import Said, answer
from generation.dialects.openai.fields import ImagesSerializer
from generation.dialects.openai.streaming import Kind, stream_of
from generation.models import GenerationJob
from generation.orders import hurried
from generation.services import request_generation
from generation.views import MAX_WAIT_SECONDS, made_before
from idempotency.keeping import answering
from idempotency.once import OnceOrJoined
from jobs.waiting import Wait
from jobs.watch import WATCH
from quotas.headers import ShowsLimits
from tenants.authentication import caller
from tenants.models import Scope

ANSWERS = {(200, "application/json"): OpenApiTypes.OBJECT, (200, "text/event-stream"): OpenApiTypes.STR}


class Images(OnceOrJoined, ShowsLimits):
    """`POST /v1/images/generations`."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=ImagesSerializer, responses=ANSWERS)
    def post(self, request: Request) -> Response:
        """Make pictures and answer when they are ready, or tell of them on a stream."""
        asked = ImagesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return accepted(request, asked, "image_generation")


def accepted(request: Request, asked: ImagesSerializer, kind: Kind) -> Response:
    """Accept a checked request; the answer waits for its pictures. Raises ApiError."""
    WATCH.check_room(caller(request).tenant.pk)
    job = made_before(caller(request).tenant) or _made(request, asked)
    response, said, answered = Response(status=202), asked.said, answering()
    if said.is_streamed:
        response.stream = stream_of(job, said, kind)  # type: ignore[attr-defined]
        answered()  # its client hears from now on, and does not repeat
    else:
        response.wait = Wait(job, MAX_WAIT_SECONDS, lambda: _answer(job, said, answered))  # type: ignore[attr-defined]
    return response


def _made(request: Request, asked: ImagesSerializer) -> GenerationJob:
    wanted = hurried(asked.order(caller(request)), request.headers)
    return request_generation(caller(request), wanted)


def _answer(job: GenerationJob, said: Said, answered: Callable[[], None]) -> HttpResponse:
    response = answer(job, said)
    answered()
    return response
