"""Does work on a picture in overlapping tiles, so that it takes the memory of one tile."""

from collections.abc import Callable
from itertools import product

import torch

OVERLAP = 0.25  # of a tile's side at least, as diffusers' tiles have


def in_tiles(
    work: Callable[[torch.Tensor], torch.Tensor], given: torch.Tensor, *, side: int, step: int = 1
) -> torch.Tensor:
    """Return in fp32 what the work makes of [n, channels, height, width], blended out of tiles of side x side.

    Tiles begin at multiples of `step`; height, width and side are multiples of it too.
    """
    height, width = given.shape[-2:]
    blended = weights = torch.empty(0)
    for top, left in product(starts(height, side, step), starts(width, side, step)):
        tile = work(given[..., top : top + side, left : left + side]).float()
        scale = tile.shape[-1] / min(side, width)
        if not blended.numel():
            blended = tile.new_zeros(*tile.shape[:2], round(height * scale), round(width * scale))
            weights = torch.zeros_like(blended[:1, :1])
        y, x = round(top * scale), round(left * scale)
        weight = tent(tile.shape[-2]).unsqueeze(1).mul(tent(tile.shape[-1])).to(tile.device)
        for total, share in ((blended, tile * weight), (weights, weight)):
            total[..., y : y + tile.shape[-2], x : x + tile.shape[-1]] += share
    return blended / weights


def starts(length: int, side: int, step: int) -> list[int]:
    """Return where tiles begin: spread evenly, so that none is a mere strip, the last one ending at the end."""
    more = max(length - side, 0)
    intervals = max(-(-more // int(side * (1 - OVERLAP))), 1)
    return sorted({round(more * number / intervals / step) * step for number in range(intervals + 1)})


def tent(length: int) -> torch.Tensor:
    """Weigh a tile's middle most and its edges, which do not see what is beyond them, least."""
    places = torch.arange(length) + 0.5
    return torch.minimum(places, length - places)
