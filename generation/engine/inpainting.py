"""What stays as it was? Outside the mask, the latents after each step, and the pixels in the end."""

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import SchedulerMixin
from PIL import Image, ImageFilter

from generation.engine.spec import DRAWN_ANEW


@dataclass(frozen=True, eq=False)
class Kept:
    """The latents of the start, the noise that is put on them, and where they give way: mask [1, 1, h, w], 1 = anew."""

    latents: torch.Tensor
    noise: torch.Tensor
    mask: torch.Tensor

    def put_back(self, latents: torch.Tensor, scheduler: SchedulerMixin, timestep: torch.Tensor | None) -> torch.Tensor:
        """Return latents with the start outside the mask, as noisy as the next step expects; None: not at all."""
        start = self.latents if timestep is None else scheduler.add_noise(self.latents, self.noise, timestep[None])
        return (1 - self.mask) * start + self.mask * latents


def latent_mask(mask: Image.Image, size: tuple[int, int], latents: torch.Tensor) -> torch.Tensor:
    """Return the mask of a picture of this size as latents see it: each takes the pixel at its corner, as diffusers."""
    levels = torch.from_numpy(np.array(sharp(mask, size)) > 0).float()[None, None]
    return torch.nn.functional.interpolate(levels, size=latents.shape[-2:]).to(latents)


def put_pixels_back(picture: Image.Image, start: Image.Image, mask: Image.Image, blur: int) -> Image.Image:
    """Return the picture with the start's own pixels outside the mask, whose edge is softened by `blur` pixels."""
    edge = sharp(mask, picture.size)
    soft = edge.filter(ImageFilter.GaussianBlur(blur)) if blur else edge
    return Image.composite(picture, fitted(start, picture.size), soft)


def sharp(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the mask at this size in black and white."""
    grey = mask.convert("L")
    if grey.size != size:  # a second pass: not in steps
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    return grey.point([255 * (level >= DRAWN_ANEW) for level in range(256)])


def fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in colour at this size."""
    coloured = picture.convert("RGB")
    return coloured if coloured.size == size else coloured.resize(size, Image.Resampling.LANCZOS)
