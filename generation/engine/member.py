"""One picture on its way from noise to latents: where it stands and how it starts."""

from copy import deepcopy
from dataclasses import dataclass

import torch
from diffusers import SchedulerMixin
from diffusers.utils.torch_utils import randn_tensor

from generation.engine.conditioning import Conditioning, condition
from generation.engine.generation import Generation
from generation.engine.schedulers import fresh_scheduler, next_latents
from generation.engine.spec import Spec
from loras.weights.sdxl import Sdxl


@dataclass(eq=False)
class Member:
    """A picture being denoised: latents are [1, channels, height / 8, width / 8] in fp32 on the UNet's device."""

    generation: Generation
    index: int
    seed: int
    positive: Conditioning
    negative: Conditioning | None
    scheduler: SchedulerMixin
    generator: torch.Generator
    latents: torch.Tensor
    scaled: torch.Tensor | None = None  # what the UNet is shown in this step
    step: int = 0

    @property
    def guidance_scale(self) -> float:
        return self.generation.spec.guidance_scale

    @property
    def timestep(self) -> torch.Tensor:
        return self.scheduler.timesteps[self.step]

    @property
    def steps_left(self) -> int:
        return len(self.scheduler.timesteps) - self.step

    @torch.inference_mode()
    def scale(self) -> None:
        """Prepare a step."""
        self.scaled = self.scheduler.scale_model_input(self.latents, self.timestep)

    @torch.inference_mode()
    def advance(self, noise: torch.Tensor) -> None:
        """Take one step with the noise the UNet predicted."""
        self.latents = next_latents(self.scheduler, noise, self.timestep, self.latents, self.generator)
        self.step += 1


@torch.inference_mode()
def members_of(sdxl: Sdxl, generation: Generation) -> list[Member]:
    """Start a member for each of the generation's pictures; they share their conditioning."""
    spec = generation.spec
    positive, negative = condition(sdxl, spec)
    chosen = {"sigmas": spec.sigmas, "spacing": spec.timestep_spacing}
    unused = fresh_scheduler(spec.scheduler, sdxl.scheduler_config, spec.steps, **chosen)
    members = []
    for index in range(spec.n):
        scheduler = deepcopy(unused)  # some take a quarter of a second to set up
        # On the CPU, so that a seed gives the same noise on every device and in every batch.
        generator = torch.Generator("cpu").manual_seed(spec.seed_of(index))
        members.append(
            Member(
                generation=generation,
                index=index,
                seed=spec.seed_of(index),
                positive=positive,
                negative=negative,
                scheduler=scheduler,
                generator=generator,
                latents=noise(sdxl, spec, generator) * scheduler.init_noise_sigma,
            )
        )
    return members


def noise(sdxl: Sdxl, spec: Spec, generator: torch.Generator) -> torch.Tensor:
    scale = 2 ** (len(sdxl.vae.config.block_out_channels) - 1)
    shape = (1, sdxl.unet.config.in_channels, spec.height // scale, spec.width // scale)
    return randn_tensor(shape, generator=generator, device=sdxl.device, dtype=torch.float32)
