"""Reads LoRA files into adapters for one base."""

from pathlib import Path

import torch
from safetensors import safe_open

from loras.weights.errors import LoraUnusable
from loras.weights.header import Header
from loras.weights.lora_file import LoraFile, LoraLayer, read_lora_file
from loras.weights.patch import Adapter, BaseWeights, Patch


def read_adapter(path: Path, base: BaseWeights, device: torch.device | None = None) -> Adapter:
    """Read a LoRA file in the base's dtype onto a device, the base's unless another is named. Raises LoraUnusable."""
    with path.open("rb") as file:
        lora = read_lora_file(file)
    weights = fitting(lora, base)
    with safe_open(path, framework="pt") as tensors:
        return Adapter(
            path.stem,
            tuple(
                Patch(
                    weight=name,
                    up=half(tensors.get_tensor(layer.up), base.weights[name], device).flatten(1).data,
                    down=down_half(tensors.get_tensor(layer.down), base.weights[name], device).data,
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


def half(tensor: torch.Tensor, weight: torch.Tensor, device: torch.device | None) -> torch.Tensor:
    """Copy a tensor in the weight's dtype, in which it may be too large. Raises LoraUnusable."""
    converted = tensor.to(weight.dtype, copy=True)
    if not torch.isfinite(converted).all():
        raise LoraUnusable(
            "non_finite_weights", "The LoRA holds NaN or infinite weights, or some too large for this GPU."
        )
    return converted.to(device or weight.device)


def down_half(tensor: torch.Tensor, weight: torch.Tensor, device: torch.device | None) -> torch.Tensor:
    """Lay a down half out as patch.matrix sees its weight: a convolution's channels last."""
    down = half(tensor, weight, device)
    return down.permute(0, 2, 3, 1).flatten(1) if weight.dim() == 4 and down.dim() == 4 else down.flatten(1)
