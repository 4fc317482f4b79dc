"""What a picture costs without any engine: the UNet's calls and the VAE's, their FLOPs and their seconds."""

import time
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from torch.utils.flop_counter import FlopCounterMode

from bench.machine import settle
from generation.engine.spec import Spec
from loras.weights.sdxl import Sdxl

TOKENS = 77


def bare_seconds(sdxl: Sdxl, spec: Spec) -> float:
    """Return how long the models alone take for one of the spec's pictures, called with what is at hand."""
    settle(sdxl.device)
    started = time.perf_counter()
    with torch.inference_mode(), torch.device(sdxl.device):
        denoise(sdxl.unet, spec, sdxl.unet.dtype)
        decode(sdxl.vae, spec, sdxl.vae.dtype)
    settle(sdxl.device)
    return time.perf_counter() - started


def flops(checkpoint: Path, spec: Spec, controlnet: ControlNetModel | None = None) -> int:
    """Count a picture's floating point operations, a multiply and an add as two, on models without weights."""
    one_step = replace(spec, steps=1)
    with torch.device("meta"), torch.inference_mode():
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(checkpoint, subfolder="unet"))
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(checkpoint, subfolder="vae"))
        with FlopCounterMode(display=False) as step:
            denoise(unet, one_step, torch.float32, controlnet)
        with FlopCounterMode(display=False) as decoding:
            decode(vae, spec, torch.float32)
    return spec.steps * step.get_total_flops() + decoding.get_total_flops()


def denoise(
    unet: UNet2DConditionModel, spec: Spec, dtype: torch.dtype, controlnet: ControlNetModel | None = None
) -> None:
    """Call the ControlNet and the UNet for each step, on two rows where guidance asks for a negative one."""
    rows = 2 if spec.guidance_scale > 1 else 1
    config = unet.config
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    latents = torch.zeros(rows, config.in_channels, spec.height // 8, spec.width // 8, dtype=dtype)
    context = torch.zeros(rows, TOKENS, config.cross_attention_dim, dtype=dtype)
    added = {"text_embeds": torch.zeros(rows, pooled, dtype=dtype), "time_ids": torch.zeros(rows, 6, dtype=dtype)}
    timestep = torch.zeros(rows)
    conditioning = {"encoder_hidden_states": context, "added_cond_kwargs": added, "return_dict": False}
    picture = torch.zeros(rows, 3, spec.height, spec.width, dtype=dtype)
    for _ in range(spec.steps):
        residuals = {}
        if controlnet is not None:
            down, middle = controlnet(latents, timestep, controlnet_cond=picture, **conditioning)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        unet(latents, timestep, **conditioning, **residuals)


def decode(vae: AutoencoderKL, spec: Spec, dtype: torch.dtype) -> None:
    vae.decode(torch.zeros(1, 4, spec.height // 8, spec.width // 8, dtype=dtype), return_dict=False)
