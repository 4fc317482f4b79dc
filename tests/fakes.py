"""Which engine do tests use when pictures do not matter? One that paints its seed, in milliseconds, without torch."""

import hashlib
import time
from collections.abc import Callable

from PIL import Image

from generation.engine.errors import CheckpointError
from generation.engine.spec import LoraUse, Picture, Spec, StepReport

STEP_SECONDS = 0.005


class FakeEngine:
    """The engine's interface over plain coloured pictures: one colour per seed, and one pixel above for each LoRA."""

    def __init__(self, checkpoint: str, *, device: str = "auto") -> None:
        self.description = {
            "checkpoint": checkpoint,
            "unet_sha256": "0" * 64,
            "torch": "none",
            "diffusers": "none",
            "device": device,
            "dtype": "none",
        }

    def generate(self, spec: Spec, on_step: Callable[[StepReport], None]) -> list[Picture]:
        """Return one picture for each seed, reporting every step."""
        for step in range(1, spec.steps + 1):
            time.sleep(STEP_SECONDS)
            on_step(StepReport(step, spec.steps))
        return [self._picture(spec, index) for index in range(spec.n)]

    def _picture(self, spec: Spec, index: int) -> Picture:
        seed = spec.seed_of(index)
        colour = tuple(seed.to_bytes(4, "big")[1:])
        image = Image.new("RGB", (spec.width, spec.height), colour)
        for place, lora in enumerate(spec.loras):
            image.putpixel((place, 0), pixel_of(lora))
        return Picture(image, seed, index)


def pixel_of(lora: LoraUse) -> tuple[int, int, int]:
    """Return the colour by which a picture shows that this file was put on with this weight."""
    sha256 = hashlib.sha256(lora.path.read_bytes()).hexdigest()
    assert sha256 == lora.sha256
    return int(sha256[:2], 16), int(sha256[2:4], 16), round((lora.weight + 2) * 60)


class BrokenEngine:
    """An engine that cannot load its checkpoint."""

    def __init__(self, checkpoint: str, *, device: str = "auto") -> None:
        raise CheckpointError("no such checkpoint")
