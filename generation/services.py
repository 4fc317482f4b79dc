"""The verbs of generation: ask for pictures, delete one."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from generation import storage
from generation.lora_orders import lora_not_found
from generation.models import Batch, DiscardedFile, GenerationJob, GenerationLora, Image
from generation.orders import Order
from jobs.services import accept
from tenants.callers import Caller
from wire.errors import ApiError


def request_generation(caller: Caller, order: Order) -> GenerationJob:
    """Accept an order for pictures: remember it and ring a worker. Raises ApiError when too many wait already."""
    draft = drafted(caller, order)
    accept_drafts([draft])
    return draft.job


@dataclass(frozen=True)
class Draft:
    """A generation that is not stored yet, with the rows that refer to it."""

    job: GenerationJob
    loras: list[GenerationLora]


def drafted(caller: Caller, order: Order, *, batch: Batch | None = None, batch_index: int = 0) -> Draft:
    """Return the order as rows."""
    spec = order.spec
    job = GenerationJob(
        tenant=caller.tenant,
        key=caller.key,
        checkpoint=order.checkpoint,
        prompt=spec.prompt,
        negative_prompt=spec.negative_prompt,
        width=spec.width,
        height=spec.height,
        steps=spec.steps,
        guidance_scale=spec.guidance_scale,
        seed=spec.seed,
        n=spec.n,
        scheduler=spec.scheduler,
        batch=batch,
        batch_index=batch_index,
        output_format=order.output_format,
        output_quality=order.output_quality,
    )
    loras = [
        GenerationLora(job=job, position=position, version=version, weight=weight)
        for position, (version, weight) in enumerate(order.loras)
    ]
    return Draft(job, loras)


def accept_drafts(drafts: Sequence[Draft]) -> None:
    """Store generations of one tenant, all or none; the same few queries however many they are. Raises ApiError."""
    loras = [lora for draft in drafts for lora in draft.loras]
    try:
        with transaction.atomic():
            accept(*(draft.job for draft in drafts))
            GenerationLora.objects.bulk_create(loras)
    except IntegrityError as error:
        if not loras:
            raise
        raise lora_not_found("loras") from error  # the operator removed it since it was looked up


def delete_image(image: Image) -> None:
    """Forget an image and note its files for removal; they go at once, or with the next chores if the store is down."""
    with transaction.atomic():
        image.delete()
        DiscardedFile.objects.bulk_create([DiscardedFile(key=image.blob), DiscardedFile(key=image.thumbnail)])
    with suppress(ApiError):
        storage.remove_discarded()
