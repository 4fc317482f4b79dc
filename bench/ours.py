"""Our side of a bench: the engine, and its pictures encoded on another thread. The one file that knows the engine."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import torch

from bench.naive import give_memory_back
from generation.engine.encode import encode
from generation.engine.engine import Engine
from generation.engine.spec import LoraUse, Picture, Spec, StepReport
from loras.weights.adapters import AdapterCache
from loras.weights.patch import BaseWeights, adapters_on


class OurServer:
    """Serves what was submitted with engines that stay loaded."""

    name = "ours"

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.lora_switches = 0
        self.checkpoint_switches = 0
        self._worn: tuple[LoraUse, ...] = ()
        self._current = ""
        self._engines: dict[str, tuple[Engine, AdapterCache]] = {}
        self._device_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.name)
        self._encoders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encoder")

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        promised: Future[list[bytes]] = Future()
        self._device_thread.submit(self._serve, spec, promised)
        return promised

    def close(self) -> None:
        self._device_thread.shutdown()
        self._encoders.shutdown()
        self._engines.clear()
        give_memory_back()

    def _serve(self, spec: Spec, promised: Future[list[bytes]]) -> None:
        try:
            pictures = self._draw(spec)
        except (RuntimeError, ValueError, OSError) as error:
            promised.set_exception(error)
        else:
            self._encoders.submit(lambda: promised.set_result([png(picture) for picture in pictures]))

    def _draw(self, spec: Spec) -> list[Picture]:
        engine, adapters = self._engine_of(spec.checkpoint)
        with ExitStack() as worn:
            if spec.loras:
                self.lora_switches += 1
                uses = [(adapters.get(lora.path), lora.weight) for lora in spec.loras]
                worn.enter_context(adapters_on(adapters.base, uses))
            return engine.generate(spec, ignore)

    def _engine_of(self, checkpoint: str) -> tuple[Engine, AdapterCache]:
        self.checkpoint_switches += checkpoint != self._current
        self._current = checkpoint
        if checkpoint not in self._engines:
            engine = Engine(checkpoint, device=self.device.type)
            self._engines[checkpoint] = engine, AdapterCache(BaseWeights(engine.sdxl))
        return self._engines[checkpoint]


def ignore(report: StepReport) -> None:
    """Take a step's report as one who does not look."""


def png(picture: Picture) -> bytes:
    return encode(picture.image, "png", quality=90, parameters="", receipt="")
