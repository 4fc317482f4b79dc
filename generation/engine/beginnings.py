"""With which latents does a picture begin a phase? Noise; an image's, noised; or its own, enlarged and noised again."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from diffusers import SchedulerMixin
from diffusers.utils.torch_utils import randn_tensor
from PIL.Image import Image

from generation.engine.inpainting import Kept, fitted, latent_mask
from generation.engine.phases import Phase
from generation.engine.spec import Spec
from generation.engine.vae import encode_picture
from generation.engine.weight_set import On


class Beginning(NamedTuple):
    """Latents [1, channels, height / 8, width / 8] in fp32, and what stays as it was."""

    latents: torch.Tensor
    kept: Kept | None


class Noise(NamedTuple):
    """What noises latents in one phase: its scheduler, the timesteps from its first to the last of the denoising, the
    picture's own random numbers. None of the timesteps need be its own: the refiner may begin at once."""

    scheduler: SchedulerMixin
    levels: torch.Tensor
    generator: torch.Generator

    def draw(self, on: On, shape: Sequence[int]) -> torch.Tensor:
        """Draw noise on the CPU, so that a seed gives the same on every device and in every batch."""
        return randn_tensor(tuple(shape), generator=self.generator, device=on.sdxl.device, dtype=torch.float32)

    def on_latents(self, latents: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Put noise on latents as the first timestep expects them; without any they stay as they are."""
        return self.scheduler.add_noise(latents, drawn, self.levels[:1]) if len(self.levels) else latents


def from_noise(on: On, phase: Phase, noise: Noise) -> Beginning:
    """Begin a picture that comes from words alone."""
    shape = (1, on.sdxl.unet.config.in_channels, *latent_size(on, phase))
    return Beginning(noise.draw(on, shape) * noise.scheduler.init_noise_sigma, None)


def from_picture(on: On, init_image: Image, spec: Spec, phase: Phase, noise: Noise) -> Beginning:
    """Begin at an image. Draws as diffusers' pipelines do: the image's latents, then the noise on them."""
    start = latents_of(on, init_image, phase, noise.generator)
    drawn = noise.draw(on, start.shape)
    if spec.mask is None:
        return Beginning(noise.on_latents(start, drawn), None)
    kept = Kept(start, drawn, latent_mask(spec.mask, (phase.width, phase.height), start))
    if phase.strength >= 1:  # nothing of what the mask covers is left
        return Beginning(drawn * noise.scheduler.init_noise_sigma, kept)
    return Beginning(noise.on_latents(start, drawn), kept)


def enlarged(on: On, spec: Spec, phase: Phase, before: torch.Tensor, noise: Noise) -> Beginning:
    """Begin the second pass with the first one's latents, larger and noised again."""
    larger = torch.nn.functional.interpolate(before, size=latent_size(on, phase), mode="bicubic")
    drawn = noise.draw(on, larger.shape)
    kept = None
    if spec.init_image is not None and spec.mask is not None:
        start = latents_of(on, spec.init_image, phase, noise.generator)
        kept = Kept(start, drawn, latent_mask(spec.mask, (phase.width, phase.height), start))
    return Beginning(noise.on_latents(larger, drawn), kept)


def latent_size(on: On, phase: Phase) -> tuple[int, int]:
    scale = 2 ** (len(on.vae.config.block_out_channels) - 1)
    return phase.height // scale, phase.width // scale


def latents_of(on: On, image: Image, phase: Phase, generator: torch.Generator) -> torch.Tensor:
    return encode_picture(on.vae, fitted(image, (phase.width, phase.height)), generator)
