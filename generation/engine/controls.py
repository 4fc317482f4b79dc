"""How do ControlNets steer a running batch? Each row follows its own picture, as strongly and as long as it wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel
from PIL import Image

from generation.engine.inpainting import fitted
from generation.engine.spec import Control


@dataclass(frozen=True, eq=False)
class Follow:
    """A picture to follow, [1, 3, height, width] in [0, 1], how strongly, and in which part of the steps."""

    picture: torch.Tensor
    weight: float
    start: float
    end: float

    def strength_at(self, step: int, steps: int) -> float:
        """Return how strongly it is followed in this of so many steps."""
        return self.weight if step / steps >= self.start and (step + 1) / steps <= self.end else 0.0


def follows_of(controls: Sequence[Control], size: tuple[int, int], like: torch.Tensor) -> tuple[Follow, ...]:
    """Lay a generation's control images out for pictures of this size, on the device and in the dtype of `like`."""
    return tuple(
        Follow(as_control(fitted(each.image, size)).to(like), each.weight, each.start, each.end) for each in controls
    )


def as_control(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


def residuals(
    controlnets: Sequence[ControlNetModel],
    rows: Sequence[tuple[Sequence[Follow], int, int]],
    inputs: tuple[torch.Tensor, torch.Tensor],
    conditioning: dict[str, Any],
) -> dict[str, Any]:
    """Return what the UNet is given beside its input: the ControlNets' residuals, weighed for each row, added up.

    A row is its pictures to follow, one for each ControlNet, its step and of how many, a refiner's among them. Empty
    when no row follows now.
    """
    total: list[torch.Tensor] = []
    for place, controlnet in enumerate(controlnets):
        strengths = [follows[place].strength_at(step, steps) for follows, step, steps in rows]
        if not any(strengths):
            continue
        pictures = torch.cat([follows[place].picture for follows, _, _ in rows])
        down, middle = controlnet(*inputs, controlnet_cond=pictures, return_dict=False, **conditioning)
        by_row = torch.tensor(strengths).view(-1, 1, 1, 1).to(middle, non_blocking=True)
        parts = [residual * by_row for residual in (*down, middle)]
        total = [first + second for first, second in zip(total, parts, strict=True)] if total else parts
    if not total:
        return {}
    return {"down_block_additional_residuals": total[:-1], "mid_block_additional_residual": total[-1]}
