"""What moving weights means: they lie in a few large blocks of host memory, and on the device in copies of these.

A tensor stays the object it was and points into one of the two, so whoever holds a module or a parameter keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

BLOCK_BYTES = 64 * 1024**2
ALIGNMENT = 512  # what CUDA's own allocations have


class Blocks(Protocol):
    """Where blocks of bytes come from, on either side; each is a tensor of uint8. Raises torch.OutOfMemoryError."""

    def host(self, nbytes: int) -> torch.Tensor: ...
    def device(self, nbytes: int) -> torch.Tensor: ...
    def trim(self) -> None:
        """Give back what the device's allocator keeps for later."""


@dataclass(frozen=True)
class Footprint:
    """How many bytes weights take in host memory and on the device."""

    host: int
    device: int


@dataclass(frozen=True)
class Layout:
    """Where each tensor lies: (block, offset); how full each block is."""

    places: tuple[tuple[int, int], ...]
    fills: tuple[int, ...]

    @property
    def footprint(self) -> Footprint:
        # PyTorch rounds pinned memory up to a power of two.
        return Footprint(sum(1 << (fill - 1).bit_length() for fill in self.fills), sum(self.fills))


def layout(sizes: Sequence[int]) -> Layout:
    """Lay tensors of these bytes out in blocks: the largest first, each into the first block with room."""
    places, fills = [(0, 0)] * len(sizes), list[int]()
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        size = -(-sizes[number] // ALIGNMENT) * ALIGNMENT
        block = next((block for block, fill in enumerate(fills) if fill + size <= BLOCK_BYTES), len(fills))
        if block == len(fills):
            fills.append(0)
        places[number] = (block, fills[block])
        fills[block] += size
    return Layout(tuple(places), tuple(fills))


class Movable:
    """Tensors in blocks of host memory, and while they are resident on the device in blocks of it as well."""

    def __init__(self, tensors: Sequence[torch.Tensor], blocks: Blocks) -> None:
        """Move the tensors, none of them empty, into blocks one by one, so that they are never there twice."""
        self._tensors, self._blocks = tensors, blocks
        self._layout = layout([tensor.nbytes for tensor in tensors])
        self._host = [blocks.host(fill) for fill in self._layout.fills]
        self._device: list[torch.Tensor] = []
        self._host_views: dict[int, torch.Tensor] = {}
        for tensor, (block, offset) in zip(tensors, self._layout.places, strict=True):
            view = view_like(tensor, self._host[block], offset)
            view.copy_(tensor)
            tensor.data = view
            self._host_views[id(tensor)] = view

    @property
    def on_device(self) -> bool:
        return bool(self._device)

    @torch.inference_mode(False)  # or the tensors would become inference tensors
    def to_device(self) -> None:
        """Copy every block, then point the tensors at the copies; when memory runs out nothing has changed."""
        copies = [self._blocks.device(fill) for fill in self._layout.fills]
        for copy, block in zip(copies, self._host, strict=True):
            copy.copy_(block, non_blocking=True)
        self._device = copies
        for tensor, (block, offset) in zip(self._tensors, self._layout.places, strict=True):
            tensor.data = view_like(tensor, copies[block], offset)

    @torch.inference_mode(False)
    def to_host(self) -> None:
        """Point the tensors at their host copies again, which nothing ever writes to, and let the device's go."""
        for tensor in self._tensors:
            tensor.data = self._host_views[id(tensor)]
        self._device = []

    def on_host(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor's host copy."""
        return self._host_views[id(tensor)]


def view_like(tensor: torch.Tensor, block: torch.Tensor, offset: int) -> torch.Tensor:
    """See a block's bytes from the offset as a tensor of the same dtype, size and strides: channels stay last."""
    stride = tensor.stride() if is_dense(tensor) else torch.empty(tensor.shape, device="meta").stride()
    return block[offset : offset + tensor.nbytes].view(tensor.dtype).as_strided(tensor.shape, stride)


def is_dense(tensor: torch.Tensor) -> bool:
    """Say whether the tensor's numbers lie side by side, in whatever order."""
    reach = 1 + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.stride(), strict=True))
    return reach == tensor.numel()


@torch.inference_mode(False)
def let_go(tensors: Sequence[torch.Tensor]) -> None:
    """Empty the tensors, so that their memory is free at once, whoever still knows them."""
    for tensor in tensors:
        tensor.data = torch.empty(0, dtype=tensor.dtype)
