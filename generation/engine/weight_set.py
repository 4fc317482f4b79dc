"""Which weights are on right now? One checkpoint wearing one set of adapters, held until another set is wanted; with
it the ControlNets that its pictures follow, or the refiner that finishes them."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel

from generation.engine.errors import DeviceLost
from generation.engine.spec import Spec
from loras.weights import controlnet, refiner
from loras.weights.patch import adapters_on
from loras.weights.refiner import Refiner
from loras.weights.residency import Residency
from loras.weights.sdxl import Sdxl
from loras.weights.wanted import AdapterOf, CheckpointOf, ControlNetOf, RefinerOf, Wanted


@dataclass(frozen=True)
class Strength:
    """A LoRA file and how strongly it is put on; files of one hash are one LoRA, wherever they lie."""

    path: Path = field(compare=False)
    sha256: str
    weight: float


@dataclass(frozen=True)
class WeightSet:
    """What pictures are drawn with. LoRAs of weight 0 are no part of it, and the others' order does not matter.

    A refiner draws alone: neither LoRAs nor ControlNets are made for it. A dtype is named where the usual one failed.
    """

    checkpoint: str
    loras: tuple[Strength, ...] = ()
    controlnets: tuple[str, ...] = ()
    refiner: str = ""
    dtype: str | None = None

    @classmethod
    def of(cls, spec: Spec) -> "WeightSet":
        """Return what this spec wants on, before any refiner."""
        loras = [Strength(use.path, use.sha256, use.weight) for use in spec.loras if use.weight]
        controlnets = tuple(control.source for control in spec.controls)
        return cls(spec.checkpoint, tuple(sorted(loras, key=lambda each: (each.sha256, each.weight))), controlnets)

    def refined_by(self, source: str) -> "WeightSet":
        """Return what finishes pictures of this set: the refiner, beside the plain checkpoint whose parts it shares."""
        return WeightSet(self.checkpoint, refiner=source)

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """Return what must be resident for it, the checkpoint first."""
        base = CheckpointOf(self.checkpoint, self.dtype)
        adapters = (AdapterOf(each.path, each.sha256, self.checkpoint, self.dtype) for each in self.loras)
        others = [ControlNetOf(source, self.dtype) for source in self.controlnets]
        refiners = [RefinerOf(self.refiner, self.dtype)] if self.refiner else []
        return (base, *adapters, *others, *refiners)


@dataclass(frozen=True)
class On:
    """The models of the set that is on."""

    sdxl: Sdxl
    controlnets: tuple[ControlNetModel, ...] = ()
    refiner: Refiner | None = None

    @property
    def unet(self) -> UNet2DConditionModel:
        """Return the UNet that denoises."""
        return self.refiner.unet if self.refiner else self.sdxl.unet

    @property
    def vae(self) -> AutoencoderKL:
        """Return the VAE: the checkpoint's, whose latents both UNets speak."""
        return self.sdxl.vae

    @classmethod
    def of(cls, weight_set: WeightSet, held: tuple[Any, ...]) -> "On":
        """Sort what is held for a weight set. Raises CheckpointUnusable when its parts were not made for each other."""
        base, *rest = held
        others = rest[len(weight_set.loras) :]
        on = cls(base.sdxl, tuple(others[: len(weight_set.controlnets)]), others[-1] if weight_set.refiner else None)
        for each in on.controlnets:
            controlnet.refuse_other_base(each, on.sdxl)
        if on.refiner:
            refiner.refuse_other_base(on.refiner, on.sdxl)
        return on


class WeightsOn:
    """Switches when another set is wanted, and only then: putting adapters on and off at every step would cost more
    than the step. In between, every weight is the checkpoint's own, bit for bit."""

    def __init__(self, residency: Residency, *, backend: str | None = None) -> None:
        """Compile UNets with this backend of torch.compile, if one is given."""
        self.residency, self.backend = residency, backend
        self.checkpoint_switches = self.lora_switches = 0
        self._wanted: WeightSet | None = None
        self._checkpoint = ""
        self._on: On
        self._held = ExitStack()

    def are(self, wanted: WeightSet) -> bool:
        """Return whether this set is on."""
        return wanted == self._wanted

    def switch_to(self, wanted: WeightSet) -> On:
        """Return the models, the checkpoint wearing this set's adapters and no others. Raises what loading does."""
        if not self.are(wanted):
            self.release()
            with ExitStack() as held:
                parts = held.enter_context(self.residency.hold(*wanted.wanted))
                on, adapters = On.of(wanted, parts), parts[1 : 1 + len(wanted.loras)]
                strengths = [each.weight for each in wanted.loras]
                held.enter_context(adapters_on(parts[0].weights, list(zip(adapters, strengths, strict=True))))
                self._held = held.pop_all()
            if self.backend and on.unet._compiled_call_impl is None:
                on.unet.compile(backend=self.backend, dynamic=False)  # anew for a size, never for a LoRA
            self._wanted, self._on = wanted, on
            self.checkpoint_switches += wanted.checkpoint != self._checkpoint
            self.lora_switches += bool(wanted.loras)
            self._checkpoint = wanted.checkpoint
        return self._on

    def release(self) -> None:
        """Put the checkpoint's own values back and let go of everything. Raises DeviceLost if they cannot be."""
        self._wanted = None
        try:
            self._held.close()
        except RuntimeError as error:
            raise DeviceLost(f"The adapters cannot be taken off: {error}") from error
