"""Our side of a bench: the engine, and its pictures encoded on other threads. The one file that knows the engine."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from bench.naive import give_memory_back
from generation.engine.encode import encode
from generation.engine.engine import Engine
from generation.engine.options import Options
from generation.engine.spec import Picture, Spec
from generation.engine.weight_set import WeightSet, WeightsOn
from loras.weights.sdxl import Sdxl

ENCODERS = 2


class OurServer:
    """Gives the engine whatever is submitted, at once; the engine decides what is drawn together and when."""

    name = "ours"

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._engine: Engine | None = None
        self._weights: CountedWeights | None = None
        self._encoders = ThreadPoolExecutor(ENCODERS, thread_name_prefix="encoder")

    @property
    def lora_switches(self) -> int:
        return self._weights.lora_switches if self._weights else 0

    @property
    def checkpoint_switches(self) -> int:
        return self._weights.checkpoint_switches if self._weights else 0

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        promised: Future[list[bytes]] = Future()
        files: list[Future[bytes]] = [Future() for _ in range(spec.n)]

        def on_picture(picture: Picture) -> None:
            files[picture.index] = self._encoders.submit(png, picture)

        generation = self._started(spec.checkpoint).submit(spec, on_picture)
        generation.finished.add_done_callback(lambda done: self._encoders.submit(keep, promised, done, files))
        return promised

    def close(self) -> None:
        if self._engine:
            self._engine.stop()
        self._encoders.shutdown()
        self._engine = self._weights = None
        give_memory_back()

    def _started(self, checkpoint: str) -> Engine:
        """Return the engine, started on the first checkpoint asked for."""
        if self._engine is None:
            self._engine = Engine(checkpoint, Options(device=self.device.type))
            self._engine.weights.release()
            self._weights = CountedWeights(self._engine.residency)
            self._engine.weights = self._engine.batches.weights = self._weights
            self._engine.start()
        return self._engine


class CountedWeights(WeightsOn):
    """Tells switches of LoRAs and of checkpoints apart."""

    lora_switches = checkpoint_switches = 0
    _last: WeightSet | None = None

    def switch_to(self, wanted: WeightSet) -> Sdxl:
        sdxl = super().switch_to(wanted)
        if wanted != self._last:
            self.lora_switches += bool(wanted.loras)
            self.checkpoint_switches += self._last is None or wanted.checkpoint != self._last.checkpoint
            self._last = wanted
        return sdxl


def keep(promised: Future[list[bytes]], finished: Future[None], files: Sequence[Future[bytes]]) -> None:
    """Keep the promise of files, all of which were given to the encoders before this was."""
    try:
        finished.result()
        promised.set_result([file.result() for file in files])
    except Exception as error:  # noqa: BLE001 - it is raised where the files are waited for
        promised.set_exception(error)


def png(picture: Picture) -> bytes:
    return encode(picture.image, "png", quality=90, parameters="", receipt="")
