"""Which weights are on right now? One checkpoint wearing one set of adapters, held until another set is wanted."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from generation.engine.errors import DeviceLost
from generation.engine.spec import Spec
from loras.weights.patch import adapters_on
from loras.weights.residency import Residency
from loras.weights.sdxl import Sdxl
from loras.weights.wanted import AdapterOf, CheckpointOf


@dataclass(frozen=True)
class Strength:
    """A LoRA file and how strongly it is put on; files of one hash are one LoRA, wherever they lie."""

    path: Path = field(compare=False)
    sha256: str
    weight: float


@dataclass(frozen=True)
class WeightSet:
    """What generations are drawn with. LoRAs of weight 0 are no part of it, and the others' order does not matter."""

    checkpoint: str
    loras: tuple[Strength, ...]

    @classmethod
    def of(cls, spec: Spec) -> "WeightSet":
        """Return what this spec wants on."""
        loras = [Strength(use.path, use.sha256, use.weight) for use in spec.loras if use.weight]
        return cls(spec.checkpoint, tuple(sorted(loras, key=lambda each: (each.sha256, each.weight))))

    @property
    def wanted(self) -> tuple[CheckpointOf | AdapterOf, ...]:
        """Return what must be resident for it, the checkpoint first."""
        adapters = (AdapterOf(each.path, each.sha256, self.checkpoint) for each in self.loras)
        return (CheckpointOf(self.checkpoint), *adapters)


class WeightsOn:
    """Switches when another set is wanted, and only then: putting adapters on and off at every step would cost more
    than the step. In between, every weight is the checkpoint's own, bit for bit."""

    def __init__(self, residency: Residency, *, backend: str | None = None) -> None:
        """Compile UNets with this backend of torch.compile, if one is given."""
        self.residency, self.backend = residency, backend
        self.checkpoint_switches = self.lora_switches = 0
        self._on: WeightSet | None = None
        self._checkpoint = ""
        self._sdxl: Sdxl
        self._held = ExitStack()

    def switch_to(self, wanted: WeightSet) -> Sdxl:
        """Return the checkpoint wearing this set's adapters and no others. Raises what loading does."""
        if wanted != self._on:
            self.release()
            with ExitStack() as held:
                base, *adapters = held.enter_context(self.residency.hold(*wanted.wanted))
                strengths = [each.weight for each in wanted.loras]
                held.enter_context(adapters_on(base.weights, list(zip(adapters, strengths, strict=True))))
                self._held = held.pop_all()
            if self.backend and base.sdxl.unet._compiled_call_impl is None:
                base.sdxl.unet.compile(backend=self.backend, dynamic=False)  # anew for a size, never for a LoRA
            self._on, self._sdxl = wanted, base.sdxl
            self.checkpoint_switches += wanted.checkpoint != self._checkpoint
            self.lora_switches += bool(wanted.loras)
            self._checkpoint = wanted.checkpoint
        return self._sdxl

    def release(self) -> None:
        """Put the checkpoint's own values back and let go of everything. Raises DeviceLost if they cannot be."""
        self._on = None
        try:
            self._held.close()
        except RuntimeError as error:
            raise DeviceLost(f"The adapters cannot be taken off: {error}") from error
