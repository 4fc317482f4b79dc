"""The verbs of generation: ask for pictures, delete one."""

from django.db import transaction

from generation import storage
from generation.models import GenerationJob, Image
from generation.orders import Order
from jobs.services import accept
from tenants.callers import Caller


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
    accept(job)
    return job


def delete_image(image: Image) -> None:
    """Forget an image and, once that is committed, its files."""
    with transaction.atomic():
        image.delete()
        transaction.on_commit(lambda: storage.remove(image.blob, image.thumbnail))
