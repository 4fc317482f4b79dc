"""LoRA files with random weights that fit a checkpoint, read from its configuration alone."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")


def attention_shapes(checkpoint: str) -> dict[str, tuple[int, int]]:
    """Return (out, in) of the UNet's attention layers, which nearly every LoRA changes, by PEFT's names."""
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(checkpoint, subfolder="unet"))
    return {
        f"unet.{name}": (module.out_features, module.in_features)
        for name, module in unet.named_modules()
        if isinstance(module, torch.nn.Linear) and name.endswith(ATTENTION)
    }


def random_lora(shapes: Mapping[str, Iterable[int]], rank: int, path: Path) -> Path:
    """Write a LoRA in PEFT's names, which diffusers need not convert."""
    halves = {}
    for name, (out, into) in shapes.items():
        halves[f"{name}.lora_A.weight"] = torch.randn(rank, into) * 0.01
        halves[f"{name}.lora_B.weight"] = torch.randn(out, rank) * 0.01
    save_file(halves, path)
    return path
