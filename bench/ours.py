"""Our side of a bench: the engine as a worker runs it, sixteen generations at once, and two threads that encode."""

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch

from bench.naive import give_memory_back
from generation.engine.encode import encode
from generation.engine.engine import Engine
from generation.engine.options import Options
from generation.engine.spec import Picture, Spec

AT_ONCE = 16  # settings.JOBS_AT_ONCE; the others wait in the order they came


class OurServer:
    """Serves what was submitted with one engine that stays warm."""

    name = "ours"

    def __init__(self, device: torch.device, options: Options | None = None) -> None:
        self.options = options or Options(device=device.type)
        self.engine: Engine | None = None
        self._backlog: deque[tuple[Spec, Future[list[bytes]]]] = deque()
        self._flying = 0
        self._lock = threading.Lock()
        self._encoders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encoder")

    @property
    def lora_switches(self) -> int:
        return self.engine.weights.lora_switches if self.engine else 0

    @property
    def checkpoint_switches(self) -> int:
        return self.engine.weights.checkpoint_switches if self.engine else 0

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        """Take a request; the first one's checkpoint is loaded with the engine."""
        if self.engine is None:
            self.engine = Engine(spec.checkpoint, self.options)
            self.engine.start()
        promised: Future[list[bytes]] = Future()
        self._backlog.append((spec, promised))
        self._take_off()
        return promised

    def close(self) -> None:
        """Let go of everything; whoever calls has waited for what was submitted."""
        if self.engine is not None:
            self.engine.stop()
        self._encoders.shutdown()
        self.engine = None
        give_memory_back()

    def _take_off(self) -> None:
        """Hand the engine what it has room for."""
        while True:
            with self._lock:
                if self._flying == AT_ONCE or not self._backlog:
                    return
                self._flying += 1
                spec, promised = self._backlog.popleft()
            files: dict[int, Future[bytes]] = {}
            assert self.engine is not None
            generation = self.engine.submit(spec, partial(self._encode, files))
            generation.finished.add_done_callback(partial(self._landed, files, promised))

    def _encode(self, files: dict[int, Future[bytes]], picture: Picture) -> None:
        files[picture.index] = self._encoders.submit(png, picture)

    def _landed(self, files: dict[int, Future[bytes]], promised: Future[list[bytes]], finished: Future[None]) -> None:
        with self._lock:
            self._flying -= 1
        if error := finished.exception():
            promised.set_exception(error)
        else:
            self._encoders.submit(lambda: promised.set_result([files[index].result() for index in sorted(files)]))
        self._take_off()


def png(picture: Picture) -> bytes:
    return encode(picture.image, "png", quality=90, parameters="", receipt="")
