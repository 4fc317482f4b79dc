"""The verbs of generation: ask for pictures, delete one."""

from contextlib import suppress

from django.db import IntegrityError, transaction

from generation import storage
from generation.lora_orders import lora_not_found
from generation.models import DiscardedFile, GenerationJob, GenerationLora, Image
from generation.orders import Order
from jobs.services import accept
from tenants.callers import Caller
from wire.errors import ApiError


def request_generation(caller: Caller, order: Order) -> GenerationJob:
    """Accept an order for pictures: remember it and ring a worker. Raises ApiError when too many wait already."""
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
        output_format=order.output_format,
        output_quality=order.output_quality,
    )
    loras = [
        GenerationLora(job=job, position=position, version=version, weight=weight)
        for position, (version, weight) in enumerate(order.loras)
    ]
    try:
        with transaction.atomic():
            accept(job)
            GenerationLora.objects.bulk_create(loras)
    except IntegrityError as error:
        if not loras:
            raise
        raise lora_not_found("loras") from error  # the operator removed it since it was looked up
    return job


def delete_image(image: Image) -> None:
    """Forget an image and note its files for removal; they go at once, or with the next chores if the store is down."""
    with transaction.atomic():
        image.delete()
        DiscardedFile.objects.bulk_create([DiscardedFile(key=image.blob), DiscardedFile(key=image.thumbnail)])
    with suppress(ApiError):
        storage.remove_discarded()
