"""What the engine needs to know of its device: which one, and what its errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from generation.engine.errors import DeviceLost, OutOfMemory

CPU_OUT_OF_MEMORY = "can't allocate memory"
CUDA_FAILURES = ("CUDA error", "CUBLAS_STATUS", "cuDNN error", "CUDNN_STATUS")


def choose_device(name: str) -> torch.device:
    """Return the named device; "auto" is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return the device's product name, as a receipt should tell it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


@contextmanager
def device_errors(shortage: str) -> Iterator[None]:
    """Tell memory shortage, after which work goes on, from CUDA failures, after which only a new process helps."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(shortage) from error
    except RuntimeError as error:
        if CPU_OUT_OF_MEMORY in str(error):
            raise OutOfMemory(shortage) from error
        if isinstance(error, torch.AcceleratorError) or any(sign in str(error) for sign in CUDA_FAILURES):
            raise DeviceLost(f"The device failed: {error}") from error
        raise
