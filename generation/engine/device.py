"""What the engine needs to know of its device: which one, what its errors mean, and how long its steps take."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import diffusers
import torch

from generation.engine.errors import CheckpointError, DeviceLost, LoraError, OutOfMemory, WeightsDoNotFit
from loras.weights.errors import CheckpointUnusable, LoraUnusable, WeightsTooLarge
from loras.weights.refiner import Refiner
from loras.weights.sdxl import Sdxl

CPU_OUT_OF_MEMORY = "can't allocate memory"
CUDA_FAILURES = ("CUDA error", "CUBLAS_STATUS", "cuDNN error", "CUDNN_STATUS")
PENDING = 4  # measured pieces of work, two a step: so far may the processor run ahead of the GPU, and a cancel waits


def choose_device(name: str) -> torch.device:
    """Return the named device; "auto" is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return the device's product name, as a receipt should tell it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def memory_bytes(device: torch.device) -> int:
    """Return how much memory the device has, used or free."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def drawn_by(sdxl: Sdxl, refiner: Refiner | None = None) -> dict[str, str]:
    """Say what draws the pictures, for their receipts."""
    about = {
        "checkpoint": sdxl.name,
        "unet_sha256": sdxl.sha256,
        "torch": str(torch.__version__),
        "diffusers": diffusers.__version__,
        "device": device_name(sdxl.device),
        "dtype": str(sdxl.dtype).removeprefix("torch."),
    }
    return about | {"refiner": refiner.name, "refiner_unet_sha256": refiner.sha256} if refiner else about


@contextmanager
def engine_errors(shortage: str) -> Iterator[None]:
    """Tell memory shortage, after which work goes on, from CUDA failures, after which only a new process helps, and
    both from weights that cannot be used."""
    try:
        yield
    except CheckpointUnusable as error:
        raise CheckpointError(str(error)) from error
    except LoraUnusable as error:
        raise LoraError(error.code, error.sentence) from error
    except WeightsTooLarge as error:
        raise WeightsDoNotFit(f"{error} Ask for fewer or smaller weights.") from error
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(shortage) from error
    except RuntimeError as error:
        if CPU_OUT_OF_MEMORY in str(error):
            raise OutOfMemory(shortage) from error
        if isinstance(error, torch.AcceleratorError) or any(sign in str(error) for sign in CUDA_FAILURES):
            raise DeviceLost(f"The device failed: {error}") from error
        raise


class StepClock:
    """Measures work without waiting for it: a GPU's times come in one or two steps later."""

    def __init__(self, device: torch.device) -> None:
        self.is_cuda = device.type == "cuda"
        self._pending: deque[tuple[torch.cuda.Event, torch.cuda.Event, Callable[[float], None]]] = deque()

    @contextmanager
    def measured(self, note: Callable[[float], None]) -> Iterator[None]:
        """Measure the work inside and, unless it raises, note its seconds sooner or later."""
        if not self.is_cuda:
            begun = time.perf_counter()
            yield
            note(time.perf_counter() - begun)
            return
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        yield
        end.record()
        self._pending.append((start, end, note))
        self.tell(at_most_pending=PENDING)

    def tell(self, *, at_most_pending: int | None = None) -> None:
        """Note the times that have come in; wait for the GPU only where more than so many would be pending."""
        while self._pending and (self._pending[0][1].query() or self._are_too_many(at_most_pending)):
            start, end, note = self._pending.popleft()
            end.synchronize()  # waits for the GPU
            note(start.elapsed_time(end) / 1000)

    def _are_too_many(self, most: int | None) -> bool:
        return most is not None and len(self._pending) > most
