"""The engine: specs in, pictures out, on one device. It knows nothing of tenants, queues or databases."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import torch
from PIL.Image import Image

from generation.engine.batches import Batches
from generation.engine.device import StepClock, choose_device, engine_errors
from generation.engine.due import Dues, Urgency
from generation.engine.errors import DeviceLost
from generation.engine.generation import Generation, fails
from generation.engine.options import Options
from generation.engine.pace import Pace
from generation.engine.phases import steps_of, wanted_of
from generation.engine.spec import Picture, Spec
from generation.engine.stepping import TOO_LARGE
from generation.engine.weight_set import WeightSet, WeightsOn
from loras.weights.residency import Residency

log = logging.getLogger(__name__)

STEP_SECONDS = {"cuda": 0.25, "cpu": 0.5}  # a processor gains twice as much from large batches
STUCK_SECONDS = 300  # a turn or a load may take so long: reading a checkpoint, compiling, one huge step on a processor
LOADERS = 2  # threads that read files ahead: a checkpoint takes seconds, and a LoRA should not wait for it


class Engine:
    """Draws generations on one device, many at a time, in a thread of its own between `start` and `stop`."""

    def __init__(self, checkpoint: str, options: Options = Options()) -> None:  # noqa: B008 - frozen
        """Make the checkpoint resident: a diffusers folder, a .safetensors file or a hub id. Raises CheckpointError."""
        device = choose_device(options.device)
        torch.backends.cuda.matmul.allow_fp16_accumulation = options.fp16_accumulation
        self.residency = Residency(
            device,
            device_bytes=options.device_bytes,
            host_bytes=options.host_bytes,
            dtype=getattr(torch, options.dtype) if options.dtype else None,
        )
        self.weights = WeightsOn(self.residency, backend=options.compile)
        self.pace = Pace(options.step_seconds or STEP_SECONDS[device.type], most_pixels=options.most_pixels)
        self.batches = Batches(self.weights, self.pace, StepClock(device), padded=options.compile is not None)
        self.dues = Dues()
        self.turns = 0
        self._turning: float | None = None  # since when
        self.lost: DeviceLost | None = None
        self._inbox: queue.SimpleQueue[Generation | DeviceLost | None] = queue.SimpleQueue()
        self._loading: dict[Generation, float] = {}
        self._loaders = ThreadPoolExecutor(LOADERS, thread_name_prefix="loader")
        self._thread = threading.Thread(target=self._work, name="device", daemon=True)
        with engine_errors("The checkpoint does not fit into the device's memory."):
            self.weights.switch_to(WeightSet(checkpoint, ()))

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def stop(self) -> None:
        """Draw nothing more; generations that have not finished never will."""
        self._inbox.put(None)
        self._thread.join()
        self._loaders.shutdown(cancel_futures=True)

    def submit(
        self,
        spec: Spec,
        on_picture: Callable[[Picture], None],
        on_preview: Callable[[int, int, Image], None] | None = None,
        urgency: Urgency = Urgency(),  # noqa: B008 - frozen
    ) -> Generation:
        """Draw this when it is its turn; tell of pictures and, by their index and number, of previews.

        Both are called in the device's thread: while they work, the GPU waits.
        """
        generation = Generation(spec, on_picture, on_preview=on_preview)
        generation.lane = urgency.lane
        generation.due = self.dues.of(urgency, self._seconds_alone(spec), generation.finished)
        if self.lost:
            generation.fail(self.lost)
        elif self.residency.has(*wanted_of(spec)):
            self._admit(generation)
        else:
            self._loaders.submit(self._load, generation)
        return generation

    def holds(self) -> list[dict[str, Any]]:
        """Return which weights lie where, and why: plain values for an operator's eyes; safe from any thread."""
        return [asdict(resident) for resident in self.residency.inventory()]

    @property
    def pulse(self) -> int:
        """Return a number that changes as long as the engine gets on with its work; safe from any thread."""
        now = time.monotonic()
        busy = [since for since in (self._turning, *list(self._loading.values())) if since is not None]
        return self.turns + (int(now) if any(now - since < STUCK_SECONDS for since in busy) else 0)

    @property
    def is_unfit(self) -> bool:
        """Return whether only a new process helps: the device is lost, or its thread hangs."""
        turning = self._turning
        return self.lost is not None or (turning is not None and time.monotonic() - turning > STUCK_SECONDS)

    def _seconds_alone(self, spec: Spec) -> float:
        return spec.n * 2 * sum(steps * self.pace.row_seconds(pixels) for pixels, steps in steps_of(spec))

    def _load(self, generation: Generation) -> None:
        """Read the files a generation needs into memory, so that the device need not wait for a disk."""
        if generation.finished.done():
            return
        self._loading[generation] = time.monotonic()
        try:
            with fails(generation), engine_errors(TOO_LARGE):
                self.residency.prefetch(*wanted_of(generation.spec))
                self._admit(generation)
        except DeviceLost as error:  # pinned memory is the device's too
            generation.fail(error)
            self._inbox.put(error)
        finally:
            del self._loading[generation]

    def _admit(self, generation: Generation) -> None:
        """Pass a generation on to the device's thread, if there still is one."""
        self._inbox.put(generation)
        if self.lost:
            generation.fail(self.lost)

    def _work(self) -> None:
        """Take turns until told to stop, or until the device is lost to us."""
        try:
            while self._let_in():
                self._turning = begun = time.monotonic()
                self.batches.turn()
                self._turning = None
                self.dues.worked(time.monotonic() - begun)
                self.turns += 1
        except DeviceLost as error:
            self._end(error)
        except Exception as error:
            log.exception("bug in the device's thread")
            self._end(DeviceLost(f"The engine broke: {error!r}"))

    def _let_in(self) -> bool:
        """Admit whoever has arrived, waiting while there is nothing to draw. Return whether to go on.

        Raises DeviceLost when a loader has lost the device.
        """
        while True:
            try:
                arrived = self._inbox.get(block=self.batches.is_idle)
            except queue.Empty:
                return True
            if arrived is None:
                return False
            if isinstance(arrived, DeviceLost):
                raise arrived
            self.batches.admit(arrived)

    def _end(self, error: DeviceLost) -> None:
        self.lost = error
        self.batches.fail_all(error)
        while not self._inbox.empty():
            arrived = self._inbox.get()
            if isinstance(arrived, Generation):
                arrived.fail(error)
