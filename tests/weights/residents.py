"""Stand-ins for weights, a disk and a device's memory, so that moving can be watched: no file, no GPU, a few bytes."""

import threading
import weakref
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch

from loras.weights.errors import CheckpointUnusable
from loras.weights.patch import Adapter, BaseWeights, Patch
from loras.weights.residency import Residency
from loras.weights.wanted import Base, Loaded, Wanted, tensors_of

SIZE = 1024


class TwoMemories:
    """Blocks of host and of device memory, both on the CPU: how many were made, what lives in each and did at most."""

    def __init__(self) -> None:
        self.made, self.live, self.most = Counter(), Counter(), Counter()

    def host(self, nbytes: int) -> torch.Tensor:
        return self._block("host", nbytes)

    def device(self, nbytes: int) -> torch.Tensor:
        return self._block("device", nbytes)

    def trim(self) -> None:
        pass

    def _block(self, memory: str, nbytes: int) -> torch.Tensor:
        torch.empty(nbytes, dtype=torch.uint8)  # where an OutOfMemoryAt strikes
        block = np.empty(nbytes, dtype=np.uint8)
        self.made[memory] += 1
        self.live[memory] += nbytes
        self.most[memory] = max(self.most[memory], self.live[memory])
        weakref.finalize(block, self.live.subtract, {memory: nbytes})
        return torch.from_numpy(block)


@dataclass
class Disk:
    """What was read, how often; the names that cannot be; whether reading started, and a gate it waits at if shut."""

    reads: Counter = field(default_factory=Counter)
    broken: set[str] = field(default_factory=set)
    started: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self, name: str) -> None:
        self.reads[name] += 1
        self.started.set()
        assert self.gate.wait(10)
        if name in self.broken:
            raise CheckpointUnusable(f"{name} cannot be read")


@dataclass(frozen=True)
class Weights:
    """So many bytes of a number that its name gives."""

    kind: ClassVar[str] = "weights"
    name: str
    nbytes: int
    disk: Disk = field(compare=False, default_factory=Disk)
    reads_with: Any = None
    said_bytes: int | None = None  # by its header, where that is wrong

    def sizes(self, dtype: torch.dtype) -> list[int]:
        return [self.said_bytes or self.nbytes]

    def read(self, dtype: torch.dtype, companion: Any) -> Loaded:
        assert (companion is None) == (self.reads_with is None)
        self.disk.read(self.name)
        tensor = self.expected()
        return Loaded(tensor, (tensor,))

    def expected(self) -> torch.Tensor:
        return torch.full((self.nbytes,), sum(self.name.encode()) % 256, dtype=torch.uint8)


@dataclass(frozen=True)
class SmallBase:
    """A base of one linear layer, one convolution and two text encoders' layers."""

    kind: ClassVar[str] = "checkpoint"
    reads_with: ClassVar[None] = None
    name: str
    disk: Disk = field(compare=False, default_factory=Disk)

    def modules(self) -> SimpleNamespace:
        generator = torch.Generator().manual_seed(sum(self.name.encode()))
        parts = {
            "unet": torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Conv2d(4, 4, 3)),
            "text_encoder": torch.nn.Sequential(torch.nn.Linear(8, 8)),
            "text_encoder_2": torch.nn.Sequential(torch.nn.Linear(8, 8)),
        }
        for part in parts.values():
            part.requires_grad_(False).to(memory_format=torch.channels_last)
            for weight in part.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator))
        return SimpleNamespace(**parts)

    def sizes(self, dtype: torch.dtype) -> list[int]:
        return [tensor.nbytes for tensor in tensors_of(vars(self.modules()).values())]

    def read(self, dtype: torch.dtype, companion: None) -> Loaded:
        self.disk.read(self.name)
        modules = self.modules()
        base = BaseWeights(modules)
        return Loaded(Base(modules, base), tensors_of(vars(modules).values()), base)


@dataclass(frozen=True)
class SmallAdapter:
    """An adapter of random numbers for all weights of a SmallBase."""

    kind: ClassVar[str] = "adapter"
    name: str
    reads_with: SmallBase

    def sizes(self, dtype: torch.dtype) -> list[int]:
        shapes = [
            (len(weight), weight[0].numel()) for weight in BaseWeights(self.reads_with.modules()).weights.values()
        ]
        return [2 * side * 4 for pair in shapes for side in pair]

    def read(self, dtype: torch.dtype, companion: Base) -> Loaded:
        self.reads_with.disk.read(self.name)
        generator = torch.Generator().manual_seed(sum(self.name.encode()))
        patches = tuple(
            Patch(
                name,
                torch.randn(len(weight), 2, generator=generator),
                torch.randn(2, weight[0].numel(), generator=generator),
                0.5,
            )
            for name, weight in companion.weights.weights.items()
        )
        return Loaded(Adapter(self.name, patches), tuple(half for patch in patches for half in (patch.up, patch.down)))


def visit(residency: Residency, *wanted: Wanted) -> None:
    with residency.hold(*wanted):
        pass


def places(residency: Residency) -> dict[str, str]:
    """Who is where, the least recently used first."""
    rows = residency.inventory()
    return {where: "".join(row.name for row in rows if row.where == where) for where in ("device", "host")}
