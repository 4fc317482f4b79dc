"""What can be asked of a Residency: checkpoints, refiners, ControlNets and adapters, each by what it is read from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from safetensors import SafetensorError

from loras.weights.adapters import read_adapter
from loras.weights.controlnet import read_controlnet
from loras.weights.errors import LoraUnusable
from loras.weights.patch import BaseWeights
from loras.weights.refiner import read_refiner
from loras.weights.sdxl import Sdxl, read_sdxl
from loras.weights.sizes import adapter_sizes, checkpoint_sizes, controlnet_sizes

HOST = torch.device("cpu")


class Base(NamedTuple):
    """A checkpoint that is held: its modules, and the same weights as adapters see them."""

    sdxl: Sdxl
    weights: BaseWeights


@dataclass(frozen=True, eq=False)
class Loaded:
    """What was read into host memory: what its holder gets, and all tensors of it that move."""

    value: Any
    tensors: tuple[torch.Tensor, ...]
    base: BaseWeights | None = None


class Wanted(Protocol):
    """Something that can be asked for; equal ones are the same weights."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def reads_with(self) -> "Wanted | None":
        """What must be in memory while this is read."""

    def sizes(self, dtype: torch.dtype) -> list[int]:
        """Say how many bytes each tensor will take, without reading them."""

    def read(self, dtype: torch.dtype, companion: Any) -> Loaded:
        """Read it into host memory, beside the value of what it reads with."""


@dataclass(frozen=True)
class Model:
    """What is read by its source alone, in a dtype by torch's name or, if none is named, in the Residency's."""

    kind: ClassVar[str]
    reads_with: ClassVar[None] = None
    source: str
    dtype: str | None = None

    @property
    def name(self) -> str:
        return named(Path(self.source).name, self.dtype)


class CheckpointOf(Model):
    """A base checkpoint by its source, as load_sdxl's. Held, it is a Base."""

    kind = "checkpoint"

    def sizes(self, dtype: torch.dtype) -> list[int]:
        return checkpoint_sizes(self.source, chosen(self.dtype, dtype))

    def read(self, dtype: torch.dtype, companion: None) -> Loaded:
        sdxl = read_sdxl(self.source, chosen(self.dtype, dtype))
        base = BaseWeights(sdxl)
        return Loaded(Base(sdxl, base), tensors_of(sdxl.modules), base)


class RefinerOf(Model):
    """A refiner by its source: a diffusers folder or a hub id. Held, it is a Refiner."""

    kind = "refiner"

    def sizes(self, dtype: torch.dtype) -> list[int]:
        return checkpoint_sizes(self.source, chosen(self.dtype, dtype))

    def read(self, dtype: torch.dtype, companion: None) -> Loaded:
        refiner = read_refiner(self.source, chosen(self.dtype, dtype))
        return Loaded(refiner, tensors_of(refiner.modules))


class ControlNetOf(Model):
    """A ControlNet by its source: a diffusers folder or a hub id. Held, it is a ControlNetModel."""

    kind = "ControlNet"

    def sizes(self, dtype: torch.dtype) -> list[int]:
        return controlnet_sizes(self.source, chosen(self.dtype, dtype))

    def read(self, dtype: torch.dtype, companion: None) -> Loaded:
        controlnet = read_controlnet(self.source, chosen(self.dtype, dtype))
        return Loaded(controlnet, tensors_of([controlnet]))


@dataclass(frozen=True)
class AdapterOf:
    """A LoRA by its file, its content's hash and the checkpoint it goes onto, by source and dtype. Held, an Adapter.

    Two tenants' copies of a file are the same weights; so a path is no part of what is compared, nor told to anybody.
    """

    kind: ClassVar[str] = "adapter"
    path: Path = field(compare=False)
    sha256: str
    checkpoint: str
    dtype: str | None = None

    @property
    def name(self) -> str:
        return named(self.sha256[:12], self.dtype)

    @property
    def reads_with(self) -> CheckpointOf:
        return CheckpointOf(self.checkpoint, self.dtype)

    def sizes(self, dtype: torch.dtype) -> list[int]:
        try:
            return adapter_sizes(self.path, chosen(self.dtype, dtype))
        except OSError as error:
            raise self._unreadable(error) from error

    def read(self, dtype: torch.dtype, companion: Base) -> Loaded:
        try:
            self._refuse_another_file()
            adapter = read_adapter(self.path, companion.weights, HOST)
        except (OSError, SafetensorError) as error:
            raise self._unreadable(error) from error
        return Loaded(adapter, tuple(half for patch in adapter.patches for half in (patch.up, patch.down)))

    def _refuse_another_file(self) -> None:
        """Raise LoraUnusable if the file's bytes are not those that receipts name."""
        with self.path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self.sha256:
                raise LoraUnusable("lora_unreadable", f"The LoRA {self.name} is not the file that was registered.")

    def _unreadable(self, error: Exception) -> LoraUnusable:
        return LoraUnusable("lora_unreadable", f"The LoRA {self.name} cannot be read: {error}")


def chosen(own: str | None, usual: torch.dtype) -> torch.dtype:
    """Return the dtype of a name, else the usual one."""
    return getattr(torch, own) if own else usual


def named(name: str, dtype: str | None) -> str:
    """Tell weights apart that are there in several dtypes."""
    return f"{name} in {dtype}" if dtype else name


def tensors_of(modules: Iterable[torch.nn.Module]) -> tuple[torch.Tensor, ...]:
    """Return all parameters and buffers, each once."""
    found = (tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))
    return tuple({id(tensor): tensor for tensor in found if tensor.nbytes}.values())
