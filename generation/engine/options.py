"""How does the engine use its device? Plain values, without torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the engine uses its device. None means what suits the device."""

    device: str = "auto"
    dtype: str | None = None  # "float16" or "bfloat16" on CUDA
    device_bytes: int | None = None  # for weights
    host_bytes: int | None = None
    step_seconds: float | None = None  # how long a newcomer and a cancel may wait for the others' step
    most_pixels: int | None = None  # in one step, however fast it is
    compile: str | None = None  # torch.compile's backend; a minute for each size at first, then faster steps
    fp16_accumulation: bool = False  # up to twice the matmul rate on GeForce cards, for some rounding
