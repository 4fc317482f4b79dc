"""The engine: a spec in, pictures out. It knows nothing of tenants, queues or databases."""

from collections.abc import Callable

import diffusers
import torch
from diffusers.utils.torch_utils import randn_tensor

from generation.engine.batch import Member, RunningBatch
from generation.engine.conditioning import condition
from generation.engine.decode import decode
from generation.engine.device import choose_device, device_errors, device_name
from generation.engine.errors import CheckpointError
from generation.engine.schedulers import fresh_scheduler
from generation.engine.spec import Picture, Spec, StepReport
from loras.weights.errors import CheckpointUnusable
from loras.weights.sdxl import load_sdxl

PIXELS_AT_ONCE = 4 * 1024 * 1024  # four pictures at SDXL's native size; more gain little on a GPU and delay cancelling


class Engine:
    """Holds one checkpoint on one device and draws with it; one generation at a time."""

    def __init__(self, checkpoint: str, *, device: str = "auto") -> None:
        try:
            with device_errors():
                self.sdxl = load_sdxl(checkpoint, choose_device(device))
        except CheckpointUnusable as error:
            raise CheckpointError(str(error)) from error

    @property
    def description(self) -> dict[str, str]:
        """Say what draws the pictures, for their receipts."""
        return {
            "checkpoint": self.sdxl.name,
            "unet_sha256": self.sdxl.sha256,
            "torch": str(torch.__version__),
            "diffusers": diffusers.__version__,
            "device": device_name(self.sdxl.device),
            "dtype": str(self.sdxl.dtype).removeprefix("torch."),
        }

    def generate(self, spec: Spec, on_step: Callable[[StepReport], None]) -> list[Picture]:
        """Draw spec.n pictures and report after every step.

        Raises OutOfMemory, InvalidOutput, DeviceLost and whatever on_step raises to stop the work.
        """
        with device_errors():
            batch = RunningBatch(self.sdxl.unet, room=max(1, PIXELS_AT_ONCE // (spec.width * spec.height)))
            for member in self._members(spec):
                batch.join(member)
            return self._drawn(batch, on_step)

    def _drawn(self, batch: RunningBatch, on_step: Callable[[StepReport], None]) -> list[Picture]:
        pictures, step = [], 0
        while batch.steps_left:
            done = batch.step()
            step += 1
            on_step(StepReport(step, step + batch.steps_left))
            pictures += [Picture(decode(self.sdxl.vae, member.latents), member.seed, member.index) for member in done]
        return pictures

    @torch.inference_mode()
    def _members(self, spec: Spec) -> list[Member]:
        positive, negative = condition(self.sdxl, spec)
        members = []
        for index in range(spec.n):
            scheduler = fresh_scheduler(spec.scheduler, self.sdxl.scheduler_config, spec.steps)
            # On the CPU, so that a seed gives the same noise on every device and in every batch.
            generator = torch.Generator("cpu").manual_seed(spec.seed_of(index))
            members.append(
                Member(
                    index=index,
                    seed=spec.seed_of(index),
                    guidance_scale=spec.guidance_scale,
                    positive=positive,
                    negative=negative,
                    scheduler=scheduler,
                    generator=generator,
                    latents=self._noise(spec, generator) * scheduler.init_noise_sigma,
                )
            )
        return members

    def _noise(self, spec: Spec, generator: torch.Generator) -> torch.Tensor:
        scale = 2 ** (len(self.sdxl.vae.config.block_out_channels) - 1)
        shape = (1, self.sdxl.unet.config.in_channels, spec.height // scale, spec.width // scale)
        return randn_tensor(shape, generator=generator, device=self.sdxl.device, dtype=torch.float32)
