"""What did somebody remove between a request's look at it and its job's commit? Whoever asked hears so."""

from collections.abc import Callable, Iterator, Sequence

from django.db import models

from generation.control_orders import controlnet_not_found
from generation.intake.taking import picture_not_found
from generation.lora_orders import lora_not_found
from generation.models import Upload
from generation.orders import Order, checkpoint_not_found
from generation.phase_orders import refiner_not_found
from loras.models import Checkpoint, ControlNet, LoraVersion
from wire.errors import ApiError

# A row that a request names, in which field, and the answer when it is not there.
Named = tuple[models.Model, str, Callable[[str], ApiError]]


def removed_meanwhile(orders: Sequence[Order]) -> ApiError | None:
    """Return the refusal for the first of what these orders name that is gone, None if all is there."""
    named = [each for order in orders for each in _named(order)]
    there = {
        (model, key)
        for model in (Checkpoint, LoraVersion, ControlNet, Upload)
        for key in model._default_manager.filter(
            pk__in={row.pk for row, *_ in named if isinstance(row, model)}
        ).values_list("pk", flat=True)
    }
    return next((refusal(param) for row, param, refusal in named if (type(row), row.pk) not in there), None)


def _named(order: Order) -> Iterator[Named]:
    """Yield every row that the order names."""
    yield order.checkpoint, "checkpoint", checkpoint_not_found
    if order.refiner:
        yield order.refiner.checkpoint, "refiner", refiner_not_found
    yield from ((version, "loras", lora_not_found) for version, _ in order.loras)
    yield from ((followed.controlnet, "controlnets", controlnet_not_found) for followed in order.controls)
    pictures = {"init_image": order.start.init_image, "mask": order.start.mask}
    yield from ((picture, param, picture_not_found) for param, picture in pictures.items() if picture)
    yield from ((followed.image, "controlnets", picture_not_found) for followed in order.controls)
