"""Lets a net's group norms treat the part as they treat the whole, so that tiles have their picture's colours."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch.nn import GroupNorm
from torch.nn.functional import interpolate

Statistics = dict[GroupNorm, tuple[torch.Tensor, torch.Tensor]]


@contextmanager
def norms_of_the_whole(
    net: torch.nn.Module, work: Callable[[torch.Tensor], torch.Tensor], given: torch.Tensor, *, side: int, step: int
) -> Iterator[None]:
    """Make the norms inside use what they find in a small version of [n, channels, height, width], for any input.

    The small version, on which the work is done, has sides of at most `side`, multiples of `step`.
    """
    norms = [module for module in net.modules() if isinstance(module, GroupNorm)]
    found: Statistics = {}
    with ExitStack() as hooks:
        for norm in norms:
            hooks.enter_context(norm.register_forward_hook(partial(note, found)))
        work(smaller(given, side, step))
    with ExitStack() as hooks:
        for norm in norms:
            hooks.enter_context(norm.register_forward_hook(partial(use, found)))
        yield


def note(found: Statistics, norm: GroupNorm, given: tuple[torch.Tensor], output: torch.Tensor) -> None:
    """Find the mean and the variance of each group of channels."""
    groups = given[0].float().reshape(len(output), norm.num_groups, -1)
    found[norm] = groups.mean(-1), groups.var(-1, unbiased=False)


def use(found: Statistics, norm: GroupNorm, given: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    """Write what the norm should have given over what it gave: no further memory is taken."""
    if norm not in found:
        return output
    each = norm.num_channels // norm.num_groups
    mean, variance = (values.repeat_interleave(each, dim=1) for values in found[norm])
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    shift = norm.bias - mean * scale
    shape = (*scale.shape, *(1 for _ in output.shape[2:]))
    scale, shift = (values.to(output.dtype).view(shape) for values in (scale, shift))
    return torch.addcmul(shift, given[0], scale, out=output)


def smaller(given: torch.Tensor, side: int, step: int) -> torch.Tensor:
    """Resize to fit a tile, with each channel's mean and deviation as they were: averaging takes contrast away."""
    ratio = min(side / max(given.shape[-2:]), 1)
    size = [max(int(length * ratio) // step, 1) * step for length in given.shape[-2:]]
    small = interpolate(given.float(), size=size, mode="area")
    (deviation, mean), (flatter, off) = (torch.std_mean(each, (2, 3), keepdim=True) for each in (given.float(), small))
    return ((small - off) / flatter.clamp_min(1e-6) * deviation + mean).to(given.dtype)
