"""Puts adapters onto the resident weights in place, and takes them off by copying the pristine values back."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from loras.weights.keys import PARTS, layers_of
from loras.weights.sdxl import Sdxl

# On the device, for copies of the weights adapters have touched. SDXL's linear layers have 5.5 GiB in fp16.
PRISTINE_BYTES = 6 * 1024**3


class AdaptersOn(RuntimeError):
    """Report that adapters are already on these weights: sets do not nest, all of one set go on together."""


@dataclass(frozen=True, eq=False)
class Patch:
    """One layer's change, weight += scale * up @ down: up [out, rank], down [rank, in] or [rank, kh * kw * in]."""

    weight: str
    up: torch.Tensor
    down: torch.Tensor
    scale: float


@dataclass(frozen=True, eq=False)
class Adapter:
    """A LoRA read for one base: its patches lie on the base's device in the base's dtype."""

    name: str
    patches: tuple[Patch, ...]

    @property
    def nbytes(self) -> int:
        return sum(patch.up.nbytes + patch.down.nbytes for patch in self.patches)


class BaseWeights:
    """A checkpoint's weights that adapters may change, by name, and pristine copies of those they did."""

    def __init__(self, sdxl: Sdxl, *, pristine_bytes: int = PRISTINE_BYTES) -> None:
        self.weights: dict[str, torch.nn.Parameter] = {}
        self.layers: dict[tuple[str, str], str] = {}
        self.pristine = PristineCopies(PristineBudget(pristine_bytes))
        self.patched = False
        for part in PARTS:
            modules = changeable(getattr(sdxl, part))
            self.weights |= {f"{part}.{name}": module.weight for name, module in modules.items()}
            self.layers |= {(part, layer): f"{part}.{name}" for layer, name in layers_of(part, modules).items()}


def changeable(model: torch.nn.Module) -> dict[str, torch.nn.Linear | torch.nn.Conv2d]:
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {name: module for name, module in model.named_modules() if isinstance(module, kinds)}


class PristineRoom(Protocol):
    """Who says how much device memory pristine copies may take, and what serves as one where there is no room."""

    def take(self, nbytes: int) -> bool:
        """Take the room for a copy, if there is any."""

    def give(self, nbytes: int) -> None: ...

    def stand_in(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the weight's values, from a place that needs no room."""


class PristineBudget:
    """Room of its own for the copies of one base, without a Residency."""

    def __init__(self, nbytes: int) -> None:
        self._free = nbytes

    def take(self, nbytes: int) -> bool:
        if nbytes > self._free:
            return False
        self._free -= nbytes
        return True

    def give(self, nbytes: int) -> None:
        self._free += nbytes

    def stand_in(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.to("cpu", copy=True)


class PristineCopies:
    """Copies of weights as the checkpoint has them, as many as the room allows; the least recently used go."""

    def __init__(self, room: PristineRoom) -> None:
        self.room = room
        self.held_bytes = 0
        self._copies: OrderedDict[str, torch.Tensor] = OrderedDict()

    def of(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the pristine values of each weight, which are its values now."""
        for name in self._copies.keys() & weights.keys():
            self._copies.move_to_end(name)
        return {name: self._copy(name, weight, in_use=weights.keys()) for name, weight in weights.items()}

    def clear(self) -> None:
        """Let all copies go; no adapter may be on."""
        while self._copies:
            self._drop(next(iter(self._copies)))

    def _copy(self, name: str, weight: torch.Tensor, in_use: Collection[str]) -> torch.Tensor:
        if name in self._copies:
            return self._copies[name]
        while not self.room.take(weight.nbytes):
            oldest = next(iter(self._copies), None)
            if oldest is None or oldest in in_use:
                return self.room.stand_in(weight)
            self._drop(oldest)
        with ExitStack() as undo:
            undo.callback(self.room.give, weight.nbytes)
            self._copies[name] = weight.detach().clone()
            undo.pop_all()
        self.held_bytes += weight.nbytes
        return self._copies[name]

    def _drop(self, name: str) -> None:
        nbytes = self._copies.pop(name).nbytes
        self.held_bytes -= nbytes
        self.room.give(nbytes)


@contextmanager
def adapters_on(base: BaseWeights, adapters: Sequence[tuple[Adapter, float]]) -> Iterator[None]:
    """Hold the adapters on the base, each at its weight; afterwards the base is what it was, bit for bit.

    An adapter at weight 0 is not put on at all. Raises AdaptersOn when adapters are on already.
    """
    if base.patched:
        raise AdaptersOn("Adapters are on these weights already; put all of a set on together.")
    worn = [(adapter, strength) for adapter, strength in adapters if strength]
    touched = {patch.weight: base.weights[patch.weight] for adapter, _ in worn for patch in adapter.patches}
    pristine: dict[str, torch.Tensor] = {}
    base.patched = True  # from here on no copy may go
    try:
        pristine |= base.pristine.of(touched)
        for adapter, strength in worn:
            for patch in adapter.patches:
                matrix(touched[patch.weight]).addmm_(patch.up, patch.down, alpha=patch.scale * strength)
        yield
    finally:
        for name, copy in pristine.items():
            touched[name].copy_(copy, non_blocking=True)
        base.patched = False


def matrix(weight: torch.Tensor) -> torch.Tensor:
    """See a weight as [out, in], a convolution's (channels last in memory) as [out, kh * kw * in], without a copy."""
    return weight if weight.dim() == 2 else weight.permute(0, 2, 3, 1).view(len(weight), -1)
