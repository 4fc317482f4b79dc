"""The verbs of generation: ask for pictures, delete one."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from generation import storage
from generation.models import Batch, DiscardedFile, GenerationControl, GenerationJob, GenerationLora, Image
from generation.orders import Order
from generation.promises import put_prices
from generation.removed_meanwhile import removed_meanwhile
from idempotency.keeping import note_made
from jobs.services import accept, refuse_hopeless
from quotas import storage as kept
from quotas.limits import limits_for
from tenants.callers import Caller, check_again
from wire.errors import ApiError
from wire.failpoints import Point, failpoint

# The columns that are called as the spec calls them.
PLAIN = (
    "prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "seed", "n", "scheduler", "sigmas",
    "timestep_spacing", "mask_blur", "exact", "previews",
)  # fmt: skip


def request_generation(
    caller: Caller, order: Order, *, batch: Batch | None = None, batch_index: int = 0
) -> GenerationJob:
    """Accept an order for pictures: remember it and ring a worker. Raises ApiError when too many wait already."""
    draft = drafted(caller, order, batch=batch, batch_index=batch_index)
    accept_drafts(caller, [draft])
    return draft.job


@dataclass(frozen=True)
class Draft:
    """A generation that is not stored yet, and the order that it is of."""

    job: GenerationJob
    order: Order


def drafted(caller: Caller, order: Order, *, batch: Batch | None = None, batch_index: int = 0) -> Draft:
    """Return the order as a row that is not stored yet."""
    job = GenerationJob(
        tenant=caller.tenant,
        key=caller.key,
        batch=batch,
        batch_index=batch_index,
        **_settings(order),
        **_pictures(order),
        **_terms(order),
    )
    job.deadline_param = order.terms.deadline_param
    return Draft(job, order)


def accept_drafts(caller: Caller, drafts: Sequence[Draft], batch: Batch | None = None) -> None:
    """Store generations of one tenant, and the new batch that they are of, all or none; the same few queries however
    many they are. Call it outside transactions: what was removed meanwhile shows at the commit. Raises ApiError."""
    if any(draft.order.start.init_image or draft.order.controls for draft in drafts):
        check_again(caller)  # pictures may take seconds to be fetched and taken in
    check_room(caller, drafts)
    failpoint(Point.ACCEPT_ASKED)
    try:
        with transaction.atomic(durable=True):
            if batch:
                batch.save(force_insert=True)
            accept(*(draft.job for draft in drafts), limits=limits_for(caller))
            GenerationLora.objects.bulk_create([lora for draft in drafts for lora in _loras(draft)])
            GenerationControl.objects.bulk_create([control for draft in drafts for control in _controls(draft)])
            note_made(batch.pk if batch else drafts[0].job.pk)
            failpoint(Point.ACCEPT_NOTED)
    except IntegrityError as error:
        if refusal := removed_meanwhile([draft.order for draft in drafts]):
            raise refusal from error
        raise


def check_room(caller: Caller, drafts: Sequence[Draft]) -> None:
    """Price generations of one tenant that are not stored yet. Raises ApiError for what could not be accepted now."""
    jobs = [draft.job for draft in drafts]
    put_prices(jobs, [draft.order for draft in drafts])
    refuse_hopeless(jobs, limits_for(caller))


def _settings(order: Order) -> dict[str, Any]:
    """Return the columns of what is said in numbers and words."""
    spec = order.spec
    return {
        "checkpoint": order.checkpoint,
        "preset": order.preset,
        "hires_scale": spec.hires.scale if spec.hires else None,
        "hires_strength": spec.hires.strength if spec.hires else None,
        "refiner": order.refiner.checkpoint if order.refiner else None,
        "refiner_start": order.refiner.start if order.refiner else None,
        "output_format": order.output_format,
        "output_quality": order.output_quality,
    } | {name: getattr(spec, name) for name in PLAIN}


def _pictures(order: Order) -> dict[str, Any]:
    """Return the columns of what the pictures begin from."""
    start = order.start
    return {
        "init_image": start.init_image,
        "strength": order.spec.strength if start.init_image else None,
        "mask": start.mask,
        "mask_mode": start.mask_mode,
    }


def _terms(order: Order) -> dict[str, Any]:
    """Return the columns of what was said of the job."""
    terms = order.terms
    return {
        "tier": terms.tier,
        "finish_by": terms.finish_by,
        "affinity": order.checkpoint.pk,
        "webhook_url": terms.webhook_url,
        "webhook_events": list(terms.webhook_events),
    }


def _loras(draft: Draft) -> list[GenerationLora]:
    return [
        GenerationLora(job=draft.job, position=position, version=version, weight=weight)
        for position, (version, weight) in enumerate(draft.order.loras)
    ]


def _controls(draft: Draft) -> list[GenerationControl]:
    return [
        GenerationControl(job=draft.job, position=position, **vars(followed))
        for position, followed in enumerate(draft.order.controls)
    ]


def delete_image(image: Image) -> None:
    """Forget an image and note its files for removal; they go at once, or with the next chores if the store is down."""
    with transaction.atomic():
        if not Image.objects.filter(pk=image.pk).delete()[0]:
            return  # somebody else was first, and noted its files
        kept.remove(image.tenant_id, image.size_bytes)
        DiscardedFile.objects.bulk_create([DiscardedFile(key=image.blob), DiscardedFile(key=image.thumbnail)])
    with suppress(ApiError):
        storage.remove_discarded()
