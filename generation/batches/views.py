"""The native API's doors to batches and sweeps."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.batches import sheets
from generation.batches.archive import archive_response
from generation.batches.orders import BatchOrderSerializer, batch_orders
from generation.batches.serializers import BatchSerializer, batch_json
from generation.batches.services import cancel_batch, find_batch, jobs_of, request_batch
from generation.batches.sweeps import SweepOrderSerializer, sweep_orders
from generation.batches.tally import tallies
from generation.models import Batch
from generation.orders import Order, hurried
from generation.terms import CANCEL_AFTER
from generation.views import find_generation
from idempotency import keeping
from idempotency.once import Once
from jobs.waiting import waits
from quotas.headers import ShowsLimits
from tenants.authentication import caller
from tenants.models import Scope, Tenant
from wire.paging import PAGE_PARAMETERS, listing, page, page_of

ZIP = {(200, "application/zip"): OpenApiTypes.BINARY}
PNG = {(200, "image/png"): OpenApiTypes.BINARY}


class Batches(Once, ShowsLimits):
    """Ask for many generations at once; look back at what was asked."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=BatchOrderSerializer, responses={202: BatchSerializer}, parameters=[CANCEL_AFTER])
    def post(self, request: Request) -> Response:
        """Ask for many generations at once: all are accepted, or none is."""
        if known := made_before(caller(request).tenant):
            return _accepted(known)
        asked = BatchOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        orders = batch_orders(caller(request), asked.validated_data)
        return _accepted(request_batch(caller(request), _hurried(orders, request)))

    @extend_schema(responses=page_of(BatchSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List your tenant's batches and sweeps, newest first."""
        rows, has_more = page(Batch.objects.for_tenant(caller(request).tenant), request.query_params, "batch")
        context = {"tallies": tallies(rows)}
        return Response(listing(rows, has_more, BatchSerializer(context=context).to_representation))


class Sweeps(Once, ShowsLimits):
    """Ask for a grid of generations."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=SweepOrderSerializer, responses={202: BatchSerializer}, parameters=[CANCEL_AFTER])
    def post(self, request: Request) -> Response:
        """Ask for every combination of up to three fields' values, with one seed unless seeds are swept."""
        if known := made_before(caller(request).tenant):
            return _accepted(known)
        asked = SweepOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        orders = _hurried(sweep_orders(caller(request), asked.validated_data), request)
        return _accepted(request_batch(caller(request), orders, Batch.Kind.SWEEP, asked.validated_data["axes"]))


def made_before(tenant: Tenant) -> Batch | None:
    """Return the batch that this very request made when it came before, None when it is to make one."""
    batch_id = keeping.made_before()
    return find_batch(tenant, batch_id) if batch_id else None


def _hurried(orders: list[Order], request: Request) -> list[Order]:
    return [hurried(order, request.headers) for order in orders]


def _accepted(batch: Batch) -> Response:
    data = batch_json(batch)
    return Response(data, status=202, headers={"Location": data["urls"]["self"]})


class OneBatch(APIView):
    """One batch or sweep."""

    @extend_schema(responses=BatchSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one batch: how many of its generations are in which state."""
        return Response(batch_json(find_batch(caller(request).tenant, id)))


class Cancel(APIView):
    """The end of a batch that nobody wants any more."""

    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=None, responses=BatchSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Cancel what waits at once, and what runs at the next step; finished pictures stay."""
        batch = find_batch(caller(request).tenant, id)
        cancel_batch(batch)
        return Response(batch_json(batch))


class Archive(APIView):
    """All pictures of a batch in one file."""

    @extend_schema(responses=ZIP)
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        """Return the pictures made so far as a ZIP, with a manifest of all that were asked for."""
        batch = find_batch(caller(request).tenant, id)
        return archive_response(request._request, batch.pk, jobs_of(batch), batch.created_at)


class GenerationArchive(APIView):
    """All pictures of a generation in one file."""

    @extend_schema(responses=ZIP)
    def get(self, request: Request, id: str) -> StreamingHttpResponse:
        """Return the generation's pictures as a ZIP with a manifest."""
        job = find_generation(caller(request).tenant, id)
        return archive_response(request._request, job.pk, [job], job.created_at)


class Sheet(APIView):
    """A sweep at a glance."""

    @extend_schema(responses=PNG)
    def get(self, request: Request, id: str) -> HttpResponse:
        """Return the sweep's contact sheet as a PNG; cells that have no picture say why."""
        batch = find_batch(caller(request).tenant, id)
        headers: dict[str, Any] = {"Content-Disposition": f'inline; filename="{batch.pk}.png"'}
        return HttpResponse(sheets.png_of(batch, jobs_of(batch)), content_type="image/png", headers=headers)


# These read the rows in a thread of their own and let its connection go before the first byte is sent.
archive = waits(Archive.as_view())
generation_archive = waits(GenerationArchive.as_view())
