"""How much work is a request, beside others? In rows of SDXL's UNet at 1024x1024, which take the same time all day.

What a picture's parts come to is counted in FLOPs on SDXL's own architecture: a row of the UNet takes 6.76 TFLOP at
1024x1024 and 35.9 at 2048x2048, a ControlNet 3.02, the refiner 7.29, the VAE 4.88 to encode and 10.47 to decode.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from generation.engine.spec import Spec

MEGAPIXEL = 1024 * 1024
# Attention compares each place with each: at 2048x2048 a pixel takes a third more.
LINEAR, QUADRATIC = 0.89, 0.11
ANY_SIZE = 0.012  # of a row: weights are read and kernels launched; measured on the embedded checkpoint, a processor
CONTROLNET, REFINER, ENCODE, DECODE = 0.45, 1.08, 0.72, 1.55
OPENING = 0.04  # reading the prompts, of any size of picture
PREVIEW = DECODE / 16  # 256 pixels wide
# They ask the UNet twice a step.
SECOND_ORDER = frozenset({"HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler"})


@dataclass(frozen=True)
class Finish:
    """The refiner that takes over after `start` of the last pass, guided as strongly as it wants to be."""

    start: float
    guidance_scale: float


@dataclass(frozen=True)
class Work:
    """What decides how much work a request is: its spec, and what a spec is without until a worker has it."""

    spec: Spec
    begins_from_picture: bool = False
    windows: Sequence[tuple[float, float]] = ()  # in which part of the denoising each ControlNet is followed
    finish: Finish | None = None

    @property
    def units(self) -> float:
        """Return the work of all its pictures."""
        spec, first, second = self.spec, self._first_pass(), self._second_pass()
        width, height = spec.final_size
        ends = DECODE * width * height / MEGAPIXEL + spec.previews * PREVIEW
        begins = ENCODE * spec.width * spec.height / MEGAPIXEL if self.begins_from_picture else 0.0
        return OPENING + spec.n * (begins + first + second + ends)

    def _first_pass(self) -> float:
        spec = self.spec
        strength = spec.strength if self.begins_from_picture else 1.0
        return self._pass((spec.width, spec.height), strength, None if spec.hires else self.finish)

    def _second_pass(self) -> float:
        hires = self.spec.hires
        return self._pass(self.spec.final_size, hires.strength, self.finish) if hires else 0.0

    def _pass(self, size: tuple[int, int], strength: float, finish: Finish | None) -> float:
        """Return the work of denoising a picture of this size once, for this share of the steps."""
        begin, handed_over = 1.0 - strength, finish.start if finish else 1.0
        drawn = max(0.0, handed_over - begin) * rows(self.spec.guidance_scale) * self._controlled
        refined = min(1.0 - handed_over, strength) * rows(finish.guidance_scale) * REFINER if finish else 0.0
        return self._calls * (drawn + refined) * row(size[0] * size[1] / MEGAPIXEL)

    @property
    def _calls(self) -> int:
        return self.spec.steps * (2 if self.spec.scheduler in SECOND_ORDER else 1)

    @property
    def _controlled(self) -> float:
        """Return how many times as much a row is for the ControlNets beside it."""
        return 1.0 + CONTROLNET * sum(end - start for start, end in self.windows)


def row(megapixels: float) -> float:
    """Return the work of one row of the UNet."""
    return ANY_SIZE + LINEAR * megapixels + QUADRATIC * megapixels**2


def rows(guidance_scale: float) -> int:
    """Return how many rows a picture takes: guidance compares with what is not wanted."""
    return 2 if guidance_scale > 1 else 1
