"""Turns finished latents into a picture: in the VAE's own dtype or at need in fp32, never a broken one."""

from collections.abc import Mapping
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

from generation.engine.errors import BrokenPicture
from generation.engine.vae import pixels_of

FLAT_LEVELS = 1  # of 255: what differs by no more, in every channel, is one colour all over
AGAIN = {"vae": "float32 after a broken picture"}


class Decoded(NamedTuple):
    """A picture, and what its receipt tells of its decoding if that was out of the ordinary."""

    image: Image.Image
    about: Mapping[str, str]


@torch.inference_mode()
def decode(vae: AutoencoderKL, latents: torch.Tensor, *, may_be_flat: bool = False) -> Decoded:
    """Return the picture of latents [1, channels, height / 8, width / 8]; fp32 gives one where fp16 overflows.

    One colour all over is a broken picture, unless it began as one. Raises BrokenPicture, torch.OutOfMemoryError.
    """
    if image := picture_of(vae, latents, may_be_flat):
        return Decoded(image, {})
    if vae.dtype != torch.float32 and torch.isfinite(latents).all():
        in_fp32 = deepcopy(vae).float()  # a copy, so that whatever happens the VAE stays what and where it is
        if image := picture_of(in_fp32, latents, may_be_flat):
            return Decoded(image, AGAIN)
    raise BrokenPicture(
        "The model's output is not a valid picture (NaN or infinite values, or one colour all over). "
        "Try another seed, a lower guidance scale or another scheduler."
    )


def picture_of(vae: AutoencoderKL, latents: torch.Tensor, may_be_flat: bool) -> Image.Image | None:
    """Return what the VAE makes of the latents, unless that is broken."""
    pixels = pixels_of(vae, latents)[0]
    if not torch.isfinite(pixels).all():  # waits for the GPU
        return None
    levels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    is_flat = np.ptp(levels, axis=(0, 1)).max() <= FLAT_LEVELS
    return None if is_flat and not may_be_flat else Image.fromarray(levels)
