"""STAND-IN until the residency branch lands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loras.weights.adapters import read_adapter
from loras.weights.patch import BaseWeights
from loras.weights.sdxl import Sdxl, load_sdxl


@dataclass(frozen=True)
class CheckpointOf:
    source: str


@dataclass(frozen=True)
class AdapterOf:
    path: Path
    sha256: str
    checkpoint: str


@dataclass
class Base:
    sdxl: Sdxl
    base: BaseWeights


class Residency:
    def __init__(self, device, *, device_bytes=None, host_bytes=None):
        self.device = device
        self.items = {}

    def prefetch(self, *wanted):
        for each in wanted:
            if each in self.items:
                continue
            if isinstance(each, CheckpointOf):
                sdxl = load_sdxl(each.source, self.device)
                self.items[each] = Base(sdxl, BaseWeights(sdxl))
            else:
                self.prefetch(CheckpointOf(each.checkpoint))
                self.items[each] = read_adapter(each.path, self.items[CheckpointOf(each.checkpoint)].base)

    @contextmanager
    def hold(self, *wanted) -> Iterator[tuple]:
        self.prefetch(*wanted)
        yield tuple(self.items[each] for each in wanted)

    def release_idle(self) -> int:
        return 0

    def inventory(self):
        return []
