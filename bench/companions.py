"""Finds the ControlNet and the refiner a bench runs with: the embedded ones or, on a GPU, full-size random weights."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, EulerDiscreteScheduler, UNet2DConditionModel

from bench.checkpoint import MINI, with_random_weights
from loras.weights.single_file import SDXL_CONFIG

# What stabilityai/stable-diffusion-xl-refiner-1.0 has other than the base: 2.3 billion parameters.
REFINER_UNET = {
    "block_out_channels": [384, 768, 1536, 1536],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "attention_head_dim": [6, 12, 24, 24],
    "transformer_layers_per_block": 4,
    "cross_attention_dim": 1280,
    "projection_class_embeddings_input_dim": 1280 + 5 * 256,
}
SHARED = ("vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")


@dataclass(frozen=True)
class Companions:
    """The models that were made for a checkpoint: diffusers folders."""

    controlnet: Path
    refiner: Path


MINI_COMPANIONS = Companions(MINI.with_name("mini-canny"), MINI.with_name("mini-refiner"))


def bench_companions(asked: argparse.Namespace, checkpoint: Path, device: torch.device, folder: Path) -> Companions:
    """Return what the command line names and, where it names none, what suits the device; on a GPU it is made."""
    made = random_companions(checkpoint, device, folder) if device.type == "cuda" else MINI_COMPANIONS
    return Companions(asked.controlnet or made.controlnet, asked.refiner or made.refiner)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let the command line name them."""
    for name in ("controlnet", "refiner"):
        parser.add_argument(f"--{name}", type=Path, help="a diffusers folder, made for the checkpoint")


def random_companions(checkpoint: Path, device: torch.device, folder: Path) -> Companions:
    controlnet = random_controlnet(checkpoint, folder / "random-controlnet", device)
    return Companions(controlnet, random_refiner(refiner_unet(), folder / "random-refiner", device))


def controlnet_of(checkpoint: Path) -> ControlNetModel:
    """Return a ControlNet without weights, made as SDXL's published ones are: the UNet's way down, and a way in for
    pictures."""
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(checkpoint, subfolder="unet"))
        return ControlNetModel.from_unet(unet, load_weights_from_unet=False)


def refiner_unet() -> UNet2DConditionModel:
    """Return the published refiner's UNet without weights."""
    base = UNet2DConditionModel.load_config(SDXL_CONFIG, subfolder="unet")
    with torch.device("meta"):
        return UNet2DConditionModel.from_config({**base, **REFINER_UNET})


def random_controlnet(checkpoint: Path, folder: Path, device: torch.device) -> Path:
    with_random_weights(controlnet_of(checkpoint), device).save_pretrained(folder)
    return folder


def random_refiner(unet: UNet2DConditionModel, folder: Path, device: torch.device) -> Path:
    """Save a refiner that has the UNet for itself and everything else from its base."""
    with_random_weights(unet, device).save_pretrained(folder / "unet")
    EulerDiscreteScheduler.from_pretrained(SDXL_CONFIG, subfolder="scheduler").save_pretrained(folder / "scheduler")
    index: dict[str, Any] = {"_class_name": "StableDiffusionXLImg2ImgPipeline", "requires_aesthetics_score": True}
    index |= {"unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", "EulerDiscreteScheduler"]}
    (folder / "model_index.json").write_text(json.dumps(index | {part: [None, None] for part in SHARED}))
    return folder
