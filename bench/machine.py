"""What a result needs beside its figures: the machine, the versions, and how fast the machine multiplies matrices."""

import importlib.metadata
import os
import platform
import time
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
SIDE = {"cpu": 1024, "cuda": 8192}  # large enough that nothing but multiplying counts
TURNS = 5


def machine(device: torch.device, *packages: str) -> dict[str, str | int]:
    """Return what the figures depend on; `packages` are those besides torch whose versions matter."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
        "cpus": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("torch", *packages)},
    }


def processor() -> str:
    """Return the processor's product name where the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "cpu"


def settle(device: torch.device) -> None:
    """Wait for the GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return the best rate of several square matrix products, in FLOP/s; a multiply and an add are two."""
    side = SIDE[device.type]
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(TURNS):
        settle(device)
        started = time.perf_counter()
        torch.mm(left, right)
        settle(device)
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best
