"""What is asked in the forecasts' bench, by whom and when? Drawn by chance, the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SIDES, STEPS, PICTURES = (768, 1024, 1024, 1216), (15, 20, 30, 30, 50), (1, 1, 1, 1, 2, 4)
TIERS = ("interactive", "standard", "standard", "standard", "flex")
DEMAND = (1, 1, 2, 3, 5, 8)  # how often each tenant asks, beside the others


@dataclass(frozen=True)
class Asking:
    """One request: when it comes after the one before it, in mean gaps, whose it is and what it says."""

    gap: float
    tenant: int
    said: dict[str, Any]
    off: float  # of a normal distribution: how much slower it is than others like it


def askings(seed: int) -> Iterator[Asking]:
    """Yield requests for ever; the gaps are those of a Poisson process."""
    chance = random.Random(seed)
    while True:
        side = chance.choice(SIDES)
        said: dict[str, Any] = {
            "width": side,
            "height": side,
            "steps": chance.choice(STEPS),
            "n": chance.choice(PICTURES),
            "tier": chance.choice(TIERS),
            "prompt": "a red kite over the sea",
            "seed": 7,
        }
        (tenant,) = chance.choices(range(len(DEMAND)), DEMAND)
        yield Asking(chance.expovariate(1.0), tenant, said, chance.gauss(0.0, 1.0))
