"""Which quote is for which request? One that would make the same pictures, but for their seeds."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from generation.models import GenerationJob
from generation.orders import Order
from generation.prices import prices
from jobs.models import Tier
from quotas.quotes import find_quotes, honoured_ms

# A seed changes no price, and one that nobody chose is another each time.
UNPRICED = frozenset({"seed", "init_image", "mask", "loras", "controls", "refiner"})


def digest_of(order: Order) -> str:
    """Return the SHA-256 of all that a request says of its pictures and its price, every value effective."""
    canonical = json.dumps(_canonical(order), sort_keys=True, default=vars)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(order: Order) -> dict[str, Any]:
    start, refined = order.start, order.refiner
    return {
        "spec": {name: value for name, value in vars(order.spec).items() if name not in UNPRICED},
        "checkpoint": order.checkpoint.pk,
        "loras": [(version.pk, weight) for version, weight in order.loras],
        "init_image": start.init_image.pk if start.init_image else None,
        "mask": (start.mask.pk, start.mask_mode) if start.mask else None,
        "controls": [
            (each.controlnet.pk, each.image.pk, each.preprocess, each.weight, each.start, each.end)
            for each in order.controls
        ],
        "refiner": (refined.checkpoint.pk, refined.start) if refined else None,
        "output": (order.output_format, order.output_quality),
        "flex": order.terms.tier == Tier.FLEX,  # the other tiers cost alike, and who waits is interactive by itself
    }


def put_prices(jobs: Sequence[GenerationJob], orders: Sequence[Order]) -> None:
    """Say on each new job of one tenant what it will take and the most it is charged: its quote, where it names one.

    Two queries at most, however many they are. Raises ApiError.
    """
    quotes = find_quotes(jobs[0].tenant, {order.terms.quote for order in orders})
    for job, order, price in zip(jobs, orders, prices(orders), strict=True):
        job.estimated_ms, job.quoted_ms = price.takes_ms, price.quoted_ms
        if order.terms.quote:
            param = f"specs[{job.batch_index}].quote" if job.batch else "quote"
            job.quoted_ms = honoured_ms(quotes, order.terms.quote, digest_of(order), param=param)
