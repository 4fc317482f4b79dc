"""How much memory a side needs at most: measured in a process of its own, in which nothing else has lain."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import psutil
import torch

from bench.server import Server
from generation.engine.spec import Spec

STATUS = Path("/proc/self/status")


def peak_bytes(kind: Callable[[torch.device], Server], specs: Sequence[Spec], device: torch.device) -> int:
    """Return the most bytes of the GPU's memory that tensors held or, without a GPU, the process's largest size."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(serve_and_tell, kind, specs, device).result()


def serve_and_tell(kind: Callable[[torch.device], Server], specs: Sequence[Spec], device: torch.device) -> int:
    with closing(kind(device)) as server:
        for promised in [server.submit(spec) for spec in specs]:
            promised.result()
        return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else largest_size()


def largest_size() -> int:
    """Return Linux' high-water mark; getrusage's would be the parent's. Elsewhere the size now."""
    lines = STATUS.read_text().splitlines() if STATUS.is_file() else []
    marks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return marks[0] if marks else psutil.Process().memory_info().rss
