"""The verbs of generation: ask for pictures, delete one."""

from contextlib import suppress
from typing import Any

from django.db import IntegrityError, transaction

from generation import storage
from generation.control_orders import controlnet_not_found
from generation.lora_orders import lora_not_found
from generation.models import Batch, DiscardedFile, GenerationControl, GenerationJob, GenerationLora, Image
from generation.orders import Order
from jobs.services import accept
from loras.models import ControlNet, LoraVersion
from tenants.callers import Caller
from wire.errors import ApiError

# The columns that are called as the spec calls them.
PLAIN = (
    "prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "seed", "n", "scheduler", "sigmas",
    "mask_blur", "exact", "previews",
)  # fmt: skip


def request_generation(
    caller: Caller, order: Order, *, batch: Batch | None = None, batch_index: int = 0
) -> GenerationJob:
    """Accept an order for pictures: remember it and ring a worker. Raises ApiError when too many wait already."""
    job = GenerationJob(
        tenant=caller.tenant,
        key=caller.key,
        batch=batch,
        batch_index=batch_index,
        **_settings(order),
        **_pictures(order),
    )
    try:
        with transaction.atomic():
            accept(job)
            GenerationLora.objects.bulk_create(_loras(job, order))
            GenerationControl.objects.bulk_create(_controls(job, order))
    except IntegrityError as error:
        if refusal := _removed_meanwhile(order):
            raise refusal from error
        raise
    return job


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


def _loras(job: GenerationJob, order: Order) -> list[GenerationLora]:
    return [
        GenerationLora(job=job, position=position, version=version, weight=weight)
        for position, (version, weight) in enumerate(order.loras)
    ]


def _controls(job: GenerationJob, order: Order) -> list[GenerationControl]:
    return [
        GenerationControl(job=job, position=position, **vars(followed))
        for position, followed in enumerate(order.controls)
    ]


def _removed_meanwhile(order: Order) -> ApiError | None:
    """Return the refusal for what the operator removed since it was looked up, if that is what went wrong."""
    wanted = {version.pk for version, _ in order.loras}
    if LoraVersion.objects.filter(pk__in=wanted).count() < len(wanted):
        return lora_not_found("loras")
    nets = {followed.controlnet.pk for followed in order.controls}
    if ControlNet.objects.filter(pk__in=nets).count() < len(nets):
        return controlnet_not_found("controlnets")
    return None


def delete_image(image: Image) -> None:
    """Forget an image and note its files for removal; they go at once, or with the next chores if the store is down."""
    with transaction.atomic():
        image.delete()
        DiscardedFile.objects.bulk_create([DiscardedFile(key=image.blob), DiscardedFile(key=image.thumbnail)])
    with suppress(ApiError):
        storage.remove_discarded()
