"""The native API's doors to generations and images."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import orders, previews
from generation.batches.services import find_batch
from generation.engine.samplers import SAMPLERS
from generation.models import GenerationJob
from generation.quoting.serializers import QuoteSerializer
from generation.quoting.views import quoted
from generation.serializers import GenerationSerializer, with_all_shown
from generation.services import request_generation
from generation.terms import CANCEL_AFTER
from idempotency import keeping
from idempotency.once import Once
from jobs.models import Status, Tier
from jobs.prospects import prospects
from jobs.services import cancel
from jobs.streaming import Event, Stream, streams
from jobs.waiting import Wait, waits
from jobs.watch import WATCH
from loras.weights.schedulers import KINDS
from quotas.headers import ShowsLimits
from quotas.rates import count
from tenants.authentication import caller
from tenants.callers import caller_of
from tenants.models import Scope, Tenant
from wire.errors import ApiError
from wire.finding import named
from wire.paging import PAGE_PARAMETERS, listing, page, page_of
from wire.queries import check_names

MAX_WAIT_SECONDS = 540  # OpenAI's and most HTTP clients give up after 600
DEFAULT_WAIT_SECONDS = 60
PREFER_WAIT = re.compile(r"\bwait(?:\s*=\s*(\d{1,6}))?\b")
MADE_OR_QUOTED = PolymorphicProxySerializer(
    "GenerationOrQuote", {"generation": GenerationSerializer, "quote": QuoteSerializer}, "object"
)


def find_generation(tenant: Tenant, job_id: str) -> GenerationJob:
    """Return this tenant's generation. Raises ApiError: another's looks like none."""
    return named(with_all_shown(GenerationJob.objects.for_tenant(tenant)).select_related("tenant"), job_id, "gen")


def made_before(tenant: Tenant) -> GenerationJob | None:
    """Return the generation that this very request made when it came before, None when it is to make one."""
    job_id = keeping.made_before()
    return find_generation(tenant, job_id) if job_id else None


def as_json(job: GenerationJob) -> dict[str, Any]:
    """Return the job as it is stored now."""
    return dict(GenerationSerializer(find_generation(job.tenant, job.pk)).data)


class Generations(Once, ShowsLimits):
    """Ask for pictures; look back at what was asked."""

    scopes = {"POST": Scope.GENERATE}

    def makes_nothing(self, request: Request) -> bool:
        """Return whether the caller wants a quote and no pictures. Raises ApiError for anything but true and false."""
        said = request.query_params.get("dry_run", "false")
        if said not in ("true", "false"):
            raise ApiError(400, "invalid_value", "dry_run must be true or false.", param="dry_run")
        return said == "true"

    @extend_schema(
        request=orders.OrderSerializer,
        responses={202: GenerationSerializer, 200: MADE_OR_QUOTED},
        parameters=[
            OpenApiParameter("Prefer", str, OpenApiParameter.HEADER, description="wait=30: wait up to 30 s."),
            CANCEL_AFTER,
            OpenApiParameter("dry_run", bool, description="true: answer as POST /quotes does, and make nothing."),
        ],
    )
    def post(self, request: Request) -> Response:
        """Ask for pictures. Answers 202 with the job at once, or 200 with its pictures when you prefer to wait."""
        if self.makes_nothing(request):
            return Response(quoted(request))
        seconds = preferred_wait(request)
        if seconds:
            WATCH.check_room(caller(request).tenant.pk)
        job = made_before(caller(request).tenant) or _made(request, {"tier": Tier.INTERACTIVE} if seconds else {})
        data = as_json(job)
        response = Response(data, status=202, headers={"Location": data["urls"]["self"]})
        if seconds:
            response.wait = Wait(job, seconds, lambda: _answer_after_wait(job))  # type: ignore[attr-defined]
        return response

    @extend_schema(
        responses=page_of(GenerationSerializer),
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("batch", str, description="Those of this batch or sweep.")],
    )
    def get(self, request: Request) -> Response:
        """List your tenant's generations, newest first."""
        owned = with_all_shown(GenerationJob.objects.for_tenant(caller(request).tenant))
        if "batch" in request.query_params:
            owned = owned.filter(batch=find_batch(caller(request).tenant, request.query_params["batch"]))
        rows, has_more = page(owned, request.query_params, "gen")
        waiting = [job.pk for job in rows if job.status == Status.QUEUED]
        found = prospects(GenerationJob, caller(request).tenant.pk, waiting) if waiting else {}
        context = {"prospects": found}
        return Response(listing(rows, has_more, GenerationSerializer(context=context).to_representation))


def _made(request: Request, usual: dict[str, Any]) -> GenerationJob:
    """Return the generation that is asked for, with what is usual where nothing is said. Raises ApiError."""
    asked = orders.OrderSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    wanted = orders.order(caller(request), usual | asked.validated_data)
    return request_generation(caller(request), orders.hurried(wanted, request.headers))


def preferred_wait(request: Request) -> int:
    """Return for how many seconds the caller prefers to wait (RFC 7240), 0 for not at all."""
    match = PREFER_WAIT.search(request.headers.get("Prefer", ""))
    return min(int(match[1] or DEFAULT_WAIT_SECONDS), MAX_WAIT_SECONDS) if match else 0


def _answer_after_wait(job: GenerationJob) -> HttpResponse:
    data = as_json(job)
    unfinished = data["status"] in ("queued", "running")
    return JsonResponse(data, status=202 if unfinished else 200, headers={"Location": data["urls"]["self"]})


class Generation(APIView):
    """One generation."""

    @extend_schema(responses=GenerationSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one generation with its images."""
        return Response(GenerationSerializer(find_generation(caller(request).tenant, id)).data)


class Cancel(APIView):
    """The end of a generation that nobody wants any more."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=None, responses=GenerationSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Cancel: at once while it waits, at the next step while it runs."""
        job = cancel(find_generation(caller(request).tenant, id))
        return Response(GenerationSerializer(job).data)


def events(request: HttpRequest, id: str) -> Stream:
    """Find the generation whose progress is asked for.

    `progress` and `done` carry the whole generation, `preview` a small picture of what it will be.
    """
    who = caller_of(request)
    count(request, who)
    who.require(Scope.READ)
    check_names(request.GET, ())
    job = find_generation(who.tenant, id)
    return Stream(
        job,
        progress=lambda now: [Event("progress", as_json(job), f"{now.attempt}.{now.progress_step}")],
        preview=lambda shown: [Event("preview", previews.as_json(shown))],
        done=lambda: [Event("done", as_json(job))],
        previews=job.previews * job.n,
    )


class Schedulers(APIView):
    """What denoises."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """List the schedulers under diffusers' names, the usual one first, and which sigmas each takes."""
        facts = {name: {"sigmas": kind.sigmas, "max_steps": kind.most_steps} for name, kind in KINDS.items()}
        rows = [{"id": name, "object": "scheduler", "sampler": SAMPLERS[name].name, **facts[name]} for name in facts]
        return Response({"object": "list", "data": rows})


generations = waits(Generations.as_view())
generation_events = streams(events)
