"""Finds the checkpoint a bench runs on: the embedded one or, on a GPU, a full-size SDXL with random weights."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from torch.nn import Module
from transformers import AutoConfig, CLIPTextModel, CLIPTextModelWithProjection

from loras.weights.sdxl import silence
from loras.weights.single_file import SDXL_CONFIG, clip_tokenizer

MINI = Path(__file__).parents[1] / "checkpoints" / "mini"
SPREAD = 0.02  # of the random weights: small enough that nothing overflows in half precision


def bench_checkpoint(named: Path | None, device: torch.device, folder: Path) -> Path:
    """Return the named checkpoint or, if none is, the one that suits the device; on a GPU it is made in the folder."""
    if named is not None:
        return named
    return random_sdxl(folder / "random-sdxl", device) if device.type == "cuda" else MINI


def random_sdxl(folder: Path, device: torch.device, config: Path = SDXL_CONFIG) -> Path:
    """Save an SDXL of the configuration's size, in half precision, made on the device: speed asks for no meaning."""
    silence()
    texts = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    with torch.device("meta"):
        parts: dict[str, Module] = {
            "unet": UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(config, subfolder="unet")),
            "vae": AutoencoderKL.from_config(AutoencoderKL.load_config(config, subfolder="vae")),
            **{name: kind(AutoConfig.from_pretrained(config / name)) for name, kind in texts.items()},
        }
    pipeline = StableDiffusionXLPipeline(
        **{name: with_random_weights(part, device) for name, part in parts.items()},
        tokenizer=clip_tokenizer("<|endoftext|>"),
        tokenizer_2=clip_tokenizer("!"),
        scheduler=EulerDiscreteScheduler.from_pretrained(config, subfolder="scheduler"),
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def with_random_weights(part: Module, device: torch.device) -> Module:
    """Give the module memory on the device: matrices and kernels random, norms as they begin, biases zero."""
    part = part.half().to_empty(device=device)
    for name, weight in part.named_parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=SPREAD)
        else:
            torch.nn.init.constant_(weight, float(name.endswith("weight")))
    for name, buffer in part.named_buffers():
        if name.endswith("position_ids"):  # the only ones, and to_empty has emptied them
            buffer.copy_(torch.arange(buffer.shape[-1]).expand_as(buffer))
    return part


def native_side(checkpoint: Path) -> int:
    """Return the side in pixels of the pictures the checkpoint was made for."""
    unet = UNet2DConditionModel.load_config(checkpoint, subfolder="unet")
    vae = AutoencoderKL.load_config(checkpoint, subfolder="vae")
    return int(unet["sample_size"] * 2 ** (len(vae["block_out_channels"]) - 1))
