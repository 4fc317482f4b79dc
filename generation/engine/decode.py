"""Turns finished latents into a picture: one at a time, in the VAE's own dtype, never an invalid one."""

import torch
from diffusers import AutoencoderKL
from PIL import Image

from generation.engine.errors import InvalidOutput


@torch.inference_mode()
def decode(vae: AutoencoderKL, latents: torch.Tensor) -> Image.Image:
    """Return the picture of latents [1, channels, height / 8, width / 8]. Raises InvalidOutput for NaN and infinity."""
    pixels = decode_within_memory(vae, unscaled(vae, latents).to(vae.dtype))[0].float()
    if not torch.isfinite(pixels).all():  # waits for the GPU
        raise InvalidOutput(
            "The model's output is not a valid picture (NaN or infinite values). "
            "Try another seed, a lower guidance scale or another scheduler."
        )
    levels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def unscaled(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Undo the scaling that gives latents about unit variance."""
    mean, std = vae.config.latents_mean, vae.config.latents_std
    if mean is None or std is None:
        return latents / vae.config.scaling_factor
    std, mean = (latents.new_tensor(values).view(1, -1, 1, 1) for values in (std, mean))
    return latents * std / vae.config.scaling_factor + mean


def decode_within_memory(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Decode in one piece or, when memory runs out, in overlapping tiles."""
    try:
        return vae.decode(latents, return_dict=False)[0]
    except torch.OutOfMemoryError:
        vae.enable_tiling()
    torch.cuda.empty_cache()  # out here, because the handler's traceback keeps the failed call's tensors alive
    try:
        return vae.decode(latents, return_dict=False)[0]
    finally:
        vae.disable_tiling()
