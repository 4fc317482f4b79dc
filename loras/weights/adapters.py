"""Reads LoRA files into adapters for one base and keeps the recently used ones ready."""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import safe_open

from loras.weights.errors import LoraUnusable
from loras.weights.header import Header
from loras.weights.lora_file import LoraFile, LoraLayer, read_lora_file
from loras.weights.patch import Adapter, BaseWeights, Patch

CACHE_BYTES = 2 * 1024**3  # a dozen LoRAs of rank 32 on every linear layer of SDXL, in fp16


class AdapterCache:
    """Adapters of one base, ready on its device: at most `budget_bytes` of them, the least recently used go."""

    def __init__(self, base: BaseWeights, *, budget_bytes: int = CACHE_BYTES) -> None:
        self.base = base
        self.budget_bytes = budget_bytes
        self.held_bytes = 0
        self._adapters: OrderedDict[tuple[Path, int, int], Adapter] = OrderedDict()

    def get(self, path: Path) -> Adapter:
        """Return the file's adapter, read unless it is held; one too large to hold is read each time."""
        stat = path.stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key in self._adapters:
            self._adapters.move_to_end(key)
            return self._adapters[key]
        adapter = read_adapter(path, self.base)
        if adapter.nbytes <= self.budget_bytes:
            self._adapters[key] = adapter
            self.held_bytes += adapter.nbytes
        while self.held_bytes > self.budget_bytes:
            self.held_bytes -= self._adapters.popitem(last=False)[1].nbytes
        return adapter


def read_adapter(path: Path, base: BaseWeights) -> Adapter:
    """Read a LoRA file onto the base's device in its dtype. Raises LoraUnusable, from the header if it can."""
    with path.open("rb") as file:
        lora = read_lora_file(file)
    weights = fitting(lora, base)
    with safe_open(path, framework="pt") as tensors:
        return Adapter(
            path.stem,
            tuple(
                Patch(
                    weight=name,
                    up=half(tensors.get_tensor(layer.up), base.weights[name]).flatten(1),
                    down=down_half(tensors.get_tensor(layer.down), base.weights[name]),
                    scale=layer.scale,
                )
                for name, layer in weights.items()
            ),
        )


def fitting(lora: LoraFile, base: BaseWeights) -> dict[str, LoraLayer]:
    """Find the weight each layer is for. Raises LoraUnusable when one is missing or of another size."""
    found: dict[str, LoraLayer] = {}
    for layer in lora.layers:
        name = base.layers.get((layer.part, layer.layer))
        if name is None:
            raise mismatch(f"the checkpoint's {layer.part} has no layer {layer.layer[:200]!r}")
        if name in found:
            raise LoraUnusable("malformed_lora", f"The LoRA holds the layer {name} twice, under two names.")
        if not same_size(lora.header, layer, base.weights[name]):
            raise mismatch(f"the checkpoint's {name} is of another size")
        found[name] = layer
    return found


def mismatch(why: str) -> LoraUnusable:
    return LoraUnusable("lora_base_mismatch", f"This LoRA was trained for another checkpoint: {why}.")


def same_size(header: Header, layer: LoraLayer, weight: torch.Tensor) -> bool:
    down, up = header.tensors[layer.down].shape, header.tensors[layer.up].shape
    return plain(up) == (len(weight), layer.rank) and plain(down)[1:] == plain(weight.shape)[1:]


def plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Leave a 1x1 kernel out: some files have linear layers as such convolutions, or the other way round."""
    return tuple(shape[:2]) if tuple(shape[2:]) == (1, 1) else tuple(shape)


def half(tensor: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Copy a tensor to where the weight is, in its dtype, in which it may be too large. Raises LoraUnusable."""
    converted = tensor.to(weight.dtype, copy=True)
    if not torch.isfinite(converted).all():
        raise LoraUnusable(
            "non_finite_weights", "The LoRA holds NaN or infinite weights, or some too large for this GPU."
        )
    return converted.to(weight.device)


def down_half(tensor: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Lay a down half out as patch.matrix sees its weight: a convolution's channels last."""
    down = half(tensor, weight)
    return down.permute(0, 2, 3, 1).flatten(1) if weight.dim() == 4 and down.dim() == 4 else down.flatten(1)
