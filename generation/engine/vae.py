"""Takes pictures to latents and back through the VAE, in its own dtype: whole, or in tiles where memory asks for it."""

from collections.abc import Callable

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from generation.engine.tiles import in_tiles

# Above it, pictures go through the VAE in tiles. A device's free memory must not decide, or the same spec would give
# another picture whenever others are resident.
WHOLE_PIXELS = 1536 * 1536

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
    moments = within_memory(moments_by(vae), given, pixels[0, 0].numel(), vae.tile_latent_min_size * scale, scale)
    return scaled(vae, DiagonalGaussianDistribution(moments.to(vae.dtype)).sample(generator).float())


@torch.inference_mode()
def pixels_of(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Return the pixels [n, 3, height, width], about -1 to 1, in fp32. Raises torch.OutOfMemoryError."""
    given = unscaled(vae, latents).to(vae.dtype)
    pixels = latents[0, 0].numel() * scale_of(vae) ** 2
    return within_memory(pixels_by(vae), given, pixels, vae.tile_latent_min_size, 1).float()


def scale_of(vae: AutoencoderKL) -> int:
    """Return how many pixels a latent is wide: 8 in SDXL."""
    return int(2 ** (len(vae.config.block_out_channels) - 1))


def moments_by(vae: AutoencoderKL) -> Work:
    return lambda pixels: vae.encode(pixels).latent_dist.parameters


def pixels_by(vae: AutoencoderKL) -> Work:
    return lambda latents: vae.decode(latents, return_dict=False)[0]


def within_memory(work: Work, given: torch.Tensor, pixels: int, side: int, step: int) -> torch.Tensor:
    """Do the work in one piece, in tiles of this side when there are many pixels, in smaller ones if memory runs out.

    The side is what the VAE was trained with: the nearer to it, the nearer a tile is to the whole.
    """
    try:
        return in_tiles(work, given, side=side, step=step) if pixels > WHOLE_PIXELS else work(given)
    except torch.OutOfMemoryError:
        pass
    torch.cuda.empty_cache()  # out here, because the handler's traceback keeps the failed call's tensors alive
    return in_tiles(work, given, side=side // 2, step=step)


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
