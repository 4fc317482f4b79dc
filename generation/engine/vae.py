"""Takes pictures to latents and back through the VAE, in its own dtype: whole, or in tiles where memory asks for it."""

from collections.abc import Callable
from math import isqrt

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from generation.engine.device import memory_bytes
from generation.engine.norms import norms_of_the_whole
from generation.engine.tiles import in_tiles

# Pictures larger than fit into a quarter of the device's memory go through the VAE in tiles: SDXL's decoder has
# 3 KiB of activations a pixel in fp32. What is free at the moment must not count, or the same spec would give another
# picture when others' weights are resident.
MEMORY_SHARE = 4
BYTES_PER_PIXEL = 3 * 1024

Work = Callable[[torch.Tensor], torch.Tensor]


@torch.inference_mode()
def encode_picture(vae: AutoencoderKL, image: Image.Image, generator: torch.Generator) -> torch.Tensor:
    """Return an RGB picture's latents [1, channels, height / 8, width / 8] in fp32, as stock img2img samples them."""
    levels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).unsqueeze(0)
    return latents_of(vae, levels.float() / 255 * 2 - 1, generator)


@torch.inference_mode()
def latents_of(vae: AutoencoderKL, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Sample the latents, in fp32, of pixels [n, 3, height, width] from -1 to 1. Raises torch.OutOfMemoryError."""
    given, scale = pixels.to(vae.device, vae.dtype), scale_of(vae)
    moments = within_memory(vae, moments_by(vae), given, tile_side(vae) * scale, scale).to(vae.dtype)
    return scaled(vae, DiagonalGaussianDistribution(moments).sample(generator).float())


@torch.inference_mode()
def pixels_of(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Return the pixels [n, 3, height, width], about -1 to 1, in fp32. Raises torch.OutOfMemoryError."""
    given = unscaled(vae, latents).to(vae.dtype)
    return within_memory(vae, pixels_by(vae), given, tile_side(vae), 1).float()


def scale_of(vae: AutoencoderKL) -> int:
    """Return how many pixels a latent is wide: 8 in SDXL."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))


def tile_side(vae: AutoencoderKL) -> int:
    """Return how many latents wide a square may be to go through whole: not less than the VAE was trained with."""
    return max(whole_side(memory_bytes(vae.device)) // scale_of(vae), vae.tile_latent_min_size)


def whole_side(memory: int) -> int:
    """Return how many pixels wide a square may be to go through whole, with so many bytes of memory in all."""
    return isqrt(memory // MEMORY_SHARE // BYTES_PER_PIXEL)


def moments_by(vae: AutoencoderKL) -> Work:
    return lambda pixels: vae.encode(pixels).latent_dist.parameters


def pixels_by(vae: AutoencoderKL) -> Work:
    return lambda latents: vae.decode(latents, return_dict=False)[0]


def within_memory(vae: AutoencoderKL, work: Work, given: torch.Tensor, side: int, step: int) -> torch.Tensor:
    """Do the work in one piece, or in tiles if that is more than a tile of this side; in smaller ones if memory runs
    out. All sides are multiples of the step.
    """
    height, width = given.shape[-2:]
    try:
        return work(given) if height * width <= side**2 else tiled(vae, work, given, side, step)
    except torch.OutOfMemoryError:
        pass
    torch.cuda.empty_cache()  # out here, because the handler's traceback keeps the failed call's tensors alive
    return tiled(vae, work, given, min(side, max(height, width)) // (2 * step) * step, step)


def tiled(vae: AutoencoderKL, work: Work, given: torch.Tensor, side: int, step: int) -> torch.Tensor:
    """Do the work in tiles that know of the whole what its norms would have found."""
    with norms_of_the_whole(vae, work, given, side=side, step=step):
        return in_tiles(work, given, side=side, step=step)


def scaled(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Give latents about unit variance."""
    mean, std = statistics(vae, latents)
    return (latents - mean) * vae.config.scaling_factor / std


def unscaled(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Undo that."""
    mean, std = statistics(vae, latents)
    return latents * std / vae.config.scaling_factor + mean


def statistics(vae: AutoencoderKL, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean and the standard deviation of each channel, where the VAE names them; else 0 and 1."""
    mean, std = vae.config.latents_mean, vae.config.latents_std
    if mean is None or std is None:
        return latents.new_zeros(1), latents.new_ones(1)
    mean, std = (latents.new_tensor(values).view(1, -1, 1, 1) for values in (mean, std))
    return mean, std
