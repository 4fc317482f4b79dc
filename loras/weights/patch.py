"""Puts adapters onto the resident weights in place, and takes them off by copying the pristine values back."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

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
        self.pristine = PristineCopies(pristine_bytes)
        self.patched = False
        for part in PARTS:
            modules = changeable(getattr(sdxl, part))
            self.weights |= {f"{part}.{name}": module.weight for name, module in modules.items()}
            self.layers |= {(part, layer): f"{part}.{name}" for layer, name in layers_of(part, modules).items()}


def changeable(model: torch.nn.Module) -> dict[str, torch.nn.Linear | torch.nn.Conv2d]:
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {name: module for name, module in model.named_modules() if isinstance(module, kinds)}


class PristineCopies:
    """Copies of weights as the checkpoint has them, at most `budget_bytes`; the least recently used go."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.held_bytes = 0
        self._copies: OrderedDict[str, torch.Tensor] = OrderedDict()

    def of(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return a copy of each weight; what the budget has no room for is copied to host memory and not kept."""
        for name in self._copies.keys() & weights.keys():
            self._copies.move_to_end(name)
        return {name: self._copy(name, weight, in_use=weights.keys()) for name, weight in weights.items()}

    def _copy(self, name: str, weight: torch.Tensor, in_use: Collection[str]) -> torch.Tensor:
        if name in self._copies:
            return self._copies[name]
        while self.held_bytes + weight.nbytes > self.budget_bytes:
            oldest = next(iter(self._copies), None)
            if oldest is None or oldest in in_use:
                return weight.to("cpu", copy=True)
            self.held_bytes -= self._copies.pop(oldest).nbytes
        self._copies[name] = weight.detach().clone()
        self.held_bytes += weight.nbytes
        return self._copies[name]


@contextmanager
def adapters_on(base: BaseWeights, adapters: Sequence[tuple[Adapter, float]]) -> Iterator[None]:
    """Hold the adapters on the base, each at its weight; afterwards the base is what it was, bit for bit.

    An adapter at weight 0 is not put on at all. Raises AdaptersOn when adapters are on already.
    """
    if base.patched:
        raise AdaptersOn("Adapters are on these weights already; put all of a set on together.")
    worn = [(adapter, strength) for adapter, strength in adapters if strength]
    touched = {patch.weight: base.weights[patch.weight] for adapter, _ in worn for patch in adapter.patches}
    pristine = base.pristine.of(touched)
    try:
        base.patched = True
        for adapter, strength in worn:
            for patch in adapter.patches:
                matrix(touched[patch.weight]).addmm_(patch.up, patch.down, alpha=patch.scale * strength)
        yield
    finally:
        for name, copy in pristine.items():
            touched[name].copy_(copy)
        base.patched = False


def matrix(weight: torch.Tensor) -> torch.Tensor:
    """See a weight as [out, in], a convolution's (channels last in memory) as [out, kh * kw * in], without a copy."""
    return weight if weight.dim() == 2 else weight.permute(0, 2, 3, 1).view(len(weight), -1)
