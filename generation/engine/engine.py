"""The engine: a spec in, pictures out. It knows nothing of tenants, queues or databases."""

from collections.abc import Callable

import diffusers
import torch

from generation.engine.batch import RunningBatch
from generation.engine.decode import decode
from generation.engine.device import choose_device, device_errors, device_name
from generation.engine.errors import CheckpointError
from generation.engine.member import members_of
from generation.engine.spec import Picture, Spec, StepReport
from loras.weights.errors import CheckpointUnusable
from loras.weights.sdxl import load_sdxl

PIXELS_AT_ONCE = 4 * 1024 * 1024  # four pictures at SDXL's native size; more gain little on a GPU and delay cancelling


class Engine:
    """Holds one checkpoint on one device and draws with it; one generation at a time."""

    def __init__(self, checkpoint: str, *, device: str = "auto", pixels_at_once: int = PIXELS_AT_ONCE) -> None:
        """Load the checkpoint: a diffusers folder, a .safetensors file or a hub id. Raises CheckpointError."""
        self.pixels_at_once = pixels_at_once
        try:
            with device_errors("The checkpoint does not fit into the device's memory."):
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
        pictures, step = [], 0
        with device_errors("A picture of this size does not fit into the device's memory. Ask for a smaller one."):
            batch = RunningBatch(self.sdxl.unet, room=max(1, self.pixels_at_once // (spec.width * spec.height)))
            for member in members_of(self.sdxl, spec):
                batch.join(member)
            while batch.steps_left:
                done = batch.step()
                step += 1
                on_step(StepReport(step, step + batch.steps_left))
                pictures += [
                    Picture(decode(self.sdxl.vae, member.latents), member.seed, member.index) for member in done
                ]
        return pictures
