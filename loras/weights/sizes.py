"""Says from files' headers how much memory weights will take, before any of them is read."""

import json
from collections.abc import Iterator
from math import prod
from pathlib import Path

import torch
from safetensors import safe_open

from loras.weights.controlnet import controlnet_folder
from loras.weights.folder import located, weight_files
from loras.weights.lora_file import read_lora_file
from loras.weights.sdxl import readable
from loras.weights.sources import refuse_other_files

MODULES = ("unet", "vae", "text_encoder", "text_encoder_2")
# Where single files have their parts; what else they hold is not loaded.
SINGLE_FILE = {"model.diffusion_model.": "unet", "first_stage_model.": "vae", "conditioner.": "text"}
FP32_BYTES = 4


def checkpoint_sizes(source: str, dtype: torch.dtype) -> list[int]:
    """Return each tensor's bytes, of a base checkpoint or a refiner. Raises CheckpointUnusable."""
    with readable(f"The checkpoint {source}"):
        path = located(source, dtype)
        return list(single_file_sizes(path, dtype) if path.is_file() else folder_sizes(path, dtype))


def single_file_sizes(path: Path, dtype: torch.dtype) -> Iterator[int]:
    refuse_other_files(path)
    for name, count in counts(path):
        part = next((part for prefix, part in SINGLE_FILE.items() if name.startswith(prefix)), None)
        if part:
            yield count * (FP32_BYTES if part == "vae" else dtype.itemsize)


def folder_sizes(folder: Path, dtype: torch.dtype) -> Iterator[int]:
    """Yield the sizes of the parts there are; whether one is missing is for the loader to say."""
    for part in MODULES:
        if (folder / part).is_dir():
            itemsize = FP32_BYTES if part == "vae" and upcast(folder / part) else dtype.itemsize
            for file in weight_files(folder / part, dtype)[1]:
                yield from (count * itemsize for _, count in counts(file))


def upcast(vae: Path) -> bool:
    return bool(json.loads((vae / "config.json").read_text()).get("force_upcast", True))


def counts(file: Path) -> Iterator[tuple[str, int]]:
    """Yield each tensor's name and how many numbers it has."""
    with safe_open(file, framework="pt") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - not a mapping
            yield name, prod(tensors.get_slice(name).get_shape())


def controlnet_sizes(source: str, dtype: torch.dtype) -> list[int]:
    """Return each tensor's bytes. Raises CheckpointUnusable."""
    with readable(f"The ControlNet {source}"):
        files = weight_files(controlnet_folder(source), dtype)[1]
        return [count * dtype.itemsize for file in files for _, count in counts(file)]


def adapter_sizes(path: Path, dtype: torch.dtype) -> list[int]:
    """Return the bytes of each layer's two halves. Raises LoraUnusable."""
    with path.open("rb") as file:
        lora = read_lora_file(file)
    halves = [name for layer in lora.layers for name in (layer.up, layer.down)]
    return [prod(lora.header.tensors[name].shape) * dtype.itemsize for name in halves]
