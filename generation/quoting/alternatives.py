"""What could be asked for instead? Each alternative is one change of a request, said as the API's fields."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from generation.engine.spec import Hires, Spec
from generation.orders import Order
from jobs.models import Tier

FEWEST_STEPS = 8  # below, plain checkpoints draw mush
LEAST_ENLARGED = 1.5
SOONER = {Tier.FLEX: Tier.STANDARD, Tier.STANDARD: Tier.INTERACTIVE}


@dataclass(frozen=True)
class Alternative:
    """A change of a request, and what the request is then."""

    change: dict[str, Any]
    order: Order


def alternatives(order: Order) -> list[Alternative]:
    """Return what may be cheaper, or sooner, than the order."""
    tiers = [tier for tier in (Tier.FLEX, SOONER.get(Tier(order.terms.tier))) if tier not in (None, order.terms.tier)]
    return [
        *(Alternative(change, replace(order, spec=spec)) for change, spec in _specs(order)),
        *(Alternative({"tier": str(tier)}, replace(order, terms=replace(order.terms, tier=tier))) for tier in tiers),
    ]


def _specs(order: Order) -> Iterator[tuple[dict[str, Any], Spec]]:
    spec, base = order.spec, order.checkpoint
    if spec.steps >= 2 * FEWEST_STEPS:
        fewer = spec.steps // 2
        yield {"steps": fewer}, replace(spec, steps=fewer)
    if spec.width * spec.height > base.width * base.height:
        usual = {"width": base.width, "height": base.height}
        yield usual, replace(spec, width=base.width, height=base.height)
    if spec.hires and spec.hires.scale > LEAST_ENLARGED:
        hires = Hires(LEAST_ENLARGED, spec.hires.strength)
        yield {"hires": vars(hires)}, replace(spec, hires=hires)
    if spec.n > 1:
        yield {"n": 1}, replace(spec, n=1)
