"""Turns finished latents into a picture: one at a time, in the VAE's own dtype, never an invalid one."""

import torch
from diffusers import AutoencoderKL
from PIL import Image

from generation.engine.errors import InvalidOutput
from generation.engine.vae import pixels_of


@torch.inference_mode()
def decode(vae: AutoencoderKL, latents: torch.Tensor) -> Image.Image:
    """Return the picture of latents [1, channels, height / 8, width / 8]. Raises InvalidOutput for NaN and infinity."""
    pixels = pixels_of(vae, latents)[0]
    if not torch.isfinite(pixels).all():  # waits for the GPU
        raise InvalidOutput(
            "The model's output is not a valid picture (NaN or infinite values). "
            "Try another seed, a lower guidance scale or another scheduler."
        )
    levels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())
