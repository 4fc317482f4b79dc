"""How does a stage survive a restart? One state file, replaced atomically, and a clock of worked seconds."""

import os
import time
from pathlib import Path

import torch


def save(path: Path, state: dict) -> None:
    """Replace a state file so that a crash at any moment leaves the old one or the new one, never half of one."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load(path: Path) -> dict | None:
    """Load a state file, or None where a stage has not begun."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


class Clock:
    """The share of a stage's time that is used up, over all the processes that worked on it."""

    def __init__(self, minutes: float, spent: float = 0.0) -> None:
        self.budget, self.before, self.start = minutes * 60, spent, time.monotonic()

    @property
    def spent(self) -> float:
        return self.before + time.monotonic() - self.start

    @property
    def progress(self) -> float:
        return min(1.0, self.spent / self.budget)


def learning_rate(peak: float, progress: float, step: int, *, warmup: int, hold: float, floor: float = 0.02) -> float:
    """Warm up over steps, hold until `hold` of the time is gone, then fall straight to `floor` of the peak."""
    falling = 1.0 if progress < hold else floor + (1 - floor) * (1 - progress) / (1 - hold)
    return peak * min(1.0, (step + 1) / warmup) * falling
