"""The verbs of batches: ask for many generations at once, find them again, cancel them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from generation.batches.tally import tally_of
from generation.models import Batch, GenerationJob
from generation.orders import Order
from generation.serializers import with_all_shown
from generation.services import accept_drafts, drafted
from jobs.models import Status
from jobs.services import cancel_all
from tenants.callers import Caller
from tenants.models import Tenant
from wire.errors import ApiError
from wire.finding import named


def request_batch(
    caller: Caller,
    orders: Sequence[Order],
    kind: Batch.Kind = Batch.Kind.BATCH,
    axes: Sequence[dict[str, Any]] = (),
) -> Batch:
    """Accept orders as one batch, all or none. Raises ApiError when too many wait already."""
    batch = Batch(tenant=caller.tenant, kind=kind, axes=list(axes))
    drafts = [drafted(caller, order, batch=batch, batch_index=index) for index, order in enumerate(orders)]
    accept_drafts(caller, drafts, batch)
    return batch


def find_batch(tenant: Tenant, batch_id: str) -> Batch:
    """Return this tenant's batch. Raises ApiError: another's looks like none."""
    return named(Batch.objects.for_tenant(tenant), batch_id, "batch")


def jobs_of(batch: Batch) -> QuerySet[GenerationJob]:
    """Return the batch's generations with all that is told of them, in the order in which they were asked."""
    jobs = GenerationJob.objects.for_tenant(batch.tenant_id).filter(batch=batch).order_by("batch_index")
    return with_all_shown(jobs)


def cancel_batch(batch: Batch) -> None:
    """Cancel what waits or runs of the batch. Raises ApiError when all of it has finished otherwise."""
    cancel_all(GenerationJob.objects.for_tenant(batch.tenant_id).filter(batch=batch))
    tally = tally_of(batch)
    if tally.is_finished and not tally.counts[Status.CANCELLED]:
        # OpenAI's clients would repeat a 409; this one is final.
        message = f"This batch has already {tally.status}."
        raise ApiError(409, "job_already_finished", message, x_should_retry="false")
