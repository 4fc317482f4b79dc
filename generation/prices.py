"""What will a request take, and what will it be charged at most?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from generation.models import GenerationJob
from generation.orders import Order
from generation.work import Finish, Work
from jobs.models import FLEX_CHARGE, Tier
from loras.models import Checkpoint
from quotas.costs import Lesson, Rate, known_rates, rate_of
from wire.errors import ApiError

MARGIN = 1.25  # of a quote, above what nine of ten jobs take
FLOOR_MS = 1000  # of a quote: weights may have to be brought onto the GPU first
MOST_MS = 24 * 3600 * 1000  # what comes to more is no price


@dataclass(frozen=True)
class Price:
    """GPU-milliseconds: what it will probably take, what it is probably charged, and the most that it is charged."""

    takes_ms: int
    charged_ms: int
    quoted_ms: int


def subjects_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return whose rates tell what a checkpoint's pictures take: its own, else those of others that are built alike."""
    alike = (f"context {checkpoint.context_width}",) if checkpoint.context_width else ()
    return (checkpoint.pk, *alike)


def prices(orders: Sequence[Order]) -> list[Price]:
    """Return the price of each order; one query for all of them. Raises ApiError for what has none."""
    known = known_rates({subject for order in orders for subject in subjects_of(order.checkpoint)})
    return [_price(order, rate_of(subjects_of(order.checkpoint), known)) for order in orders]


def _price(order: Order, rate: Rate) -> Price:
    units, share = work_of(order).units, FLEX_CHARGE if order.terms.tier == Tier.FLEX else 1.0
    takes, most = units * rate.p50, max(FLOOR_MS, units * rate.p90 * MARGIN)
    if not (0 < takes < MOST_MS and most < MOST_MS):  # neither does what is no number at all
        message = "What this would cost cannot be told, so it is not accepted. Ask for less, or the operator."
        raise ApiError(400, "no_price", message)
    takes_ms, quoted_ms = math.ceil(takes), math.ceil(most * share)
    return Price(takes_ms, min(math.ceil(takes * share), quoted_ms), quoted_ms)


def work_of(order: Order) -> Work:
    """Return how much work an order is."""
    refined = order.refiner
    return Work(
        order.spec,
        begins_from_picture=order.start.init_image is not None,
        windows=[(each.start, each.end) for each in order.controls if each.weight],
        finish=Finish(refined.start, refined.checkpoint.guidance_scale) if refined else None,
    )


def lesson_of(job: GenerationJob, measured_ms: int) -> Lesson:
    """Return what a generation that was drawn teaches."""
    spec = job.spec
    work = Work(
        spec,
        begins_from_picture=job.init_image_id is not None,
        windows=[(each.start, each.end) for each in job.followed],
        finish=Finish(spec.refiner.start, spec.refiner.guidance_scale) if spec.refiner else None,
    )
    return Lesson(subjects_of(job.checkpoint), work.units, measured_ms)
