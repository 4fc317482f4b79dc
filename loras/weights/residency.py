"""What weights are on the device, in host memory and on disk: what is held stays, the rest goes when room is needed."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch

from loras.weights.cuda import CudaBlocks, free_for_weights
from loras.weights.errors import WeightsTooLarge
from loras.weights.memories import Blocks
from loras.weights.reading import Readings
from loras.weights.rooms import Budget, Entry, NoRoom, Rooms
from loras.weights.sdxl import default_dtype
from loras.weights.wanted import Wanted

RAM_SHARE = 0.5


@dataclass(frozen=True)
class Resident:
    """One row of the inventory: weights in one memory, by whom they are held and why they are there."""

    kind: str
    name: str
    where: str  # "device" or "host"
    nbytes: int
    held: int
    idle_seconds: float
    why: str


class Residency:
    """Weights under two byte budgets, used from two threads: one reads ahead from disk, the device's holds."""

    def __init__(
        self,
        device: torch.device,
        *,
        device_bytes: int | None = None,
        host_bytes: int | None = None,
        dtype: torch.dtype | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        """Budgets left out are measured: the device's free memory less head-room, half of the RAM.

        On a CPU there is one memory, so `device_bytes` counts alone; `blocks` stand in for another device's memory.
        """
        if blocks is None and device.type == "cuda":
            blocks = CudaBlocks(device)
        self.device_budget = Budget("device", weights_bytes(device) if device_bytes is None else device_bytes)
        self.host_budget = Budget("host", half_of_ram() if host_bytes is None else host_bytes)
        self._rooms = Rooms(blocks, self.device_budget, self.host_budget)
        self._readings = Readings(self._rooms, dtype or default_dtype(device))

    def prefetch(self, *wanted: Wanted) -> None:
        """Read weights into host memory unless they are there, or what is in use leaves no room. From any thread.

        Raises CheckpointUnusable, LoraUnusable, and WeightsTooLarge for what would not even fit alone.
        """
        for each in self._in_order(wanted):
            self._refuse_too_large([each], [])
            with suppress(NoRoom), self._readings.kept(each, visiting=True):
                pass

    def has(self, *wanted: Wanted) -> bool:
        """Say whether all of these are in memory, so that a hold need not read. From any thread."""
        with self._rooms.changed:
            return all(each in self._rooms.entries for each in wanted)

    def is_near(self, wanted: Wanted) -> bool:
        """Say whether these weights are on the device, so that a hold need not move them. From any thread."""
        with self._rooms.changed:
            entry = self._rooms.entries.get(wanted)
            return entry is not None and entry.on_device

    @contextmanager
    def hold(self, *wanted: Wanted) -> Iterator[tuple[Any, ...]]:
        """Make weights resident and keep them so, yielding them in the order asked. From the device thread alone.

        Raises CheckpointUnusable, LoraUnusable, torch.OutOfMemoryError, and before anything is put away
        WeightsTooLarge. Whatever it raises, what was resident still counts as it did.
        """
        with self._rooms.changed:
            in_use = [entry for entry in self._rooms.entries.values() if entry.holds]
        self._refuse_too_large(wanted, in_use)
        with ExitStack() as stack:
            entries = {
                each: stack.enter_context(self._readings.kept(each, visiting=False)) for each in self._in_order(wanted)
            }
            self._make_resident(entries.values())
            yield tuple(entries[each].loaded.value for each in wanted)

    def _in_order(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """List each once, first what is there: nothing wanted leaves for another. Checkpoints come before adapters."""
        there = self._rooms.entries
        return sorted(dict.fromkeys(wanted), key=lambda each: (each not in there, each.reads_with is not None))

    def _make_resident(self, entries: Iterable[Entry]) -> None:
        with self._rooms.changed:
            for entry in entries:
                self._rooms.enter_device(entry)
                self._rooms.touch(entry)

    def _refuse_too_large(self, wanted: Iterable[Wanted], in_use: Iterable[Entry]) -> None:
        """Raise WeightsTooLarge when the wanted and what is in use are more than a budget; it names the former."""
        wanted, rooms = dict.fromkeys(wanted), self._rooms
        read = [each for each in wanted if each not in rooms.entries]
        companions = [each.reads_with for each in read if each.reads_with is not None]
        used = {entry.wanted: entry.footprint for entry in in_use}
        asked = {each: self._readings.footprint(each) for each in wanted}
        asked_to_read = asked | {each: self._readings.footprint(each) for each in companions}
        patched = sum(entry.pristine_bytes - entry.spare_bytes for entry in in_use)
        for budget in (rooms.device, rooms.host):
            footprints = asked_to_read if budget is rooms.reading_room else asked
            needed = sum(rooms.bytes_in(footprint, budget) for footprint in (used | footprints).values())
            needed += patched if budget is rooms.device else 0
            if needed > budget.limit:
                names = [each.name for each in footprints] + ["what is in use"] * bool(used)
                raise WeightsTooLarge(
                    f"{' and '.join(names)} need {needed:,} bytes of {budget.memory} memory at once; "
                    f"the budget for weights is {budget.limit:,}."
                )

    def release_idle(self) -> int:
        """Take everything idle off the device, after it ran out of memory; return the bytes that are free now.

        From the device thread alone.
        """
        rooms = self._rooms
        with rooms.changed:
            before = rooms.device.used
            for entry in list(rooms.leavable(rooms.device)):
                rooms.put_away(entry, rooms.device)
            rooms.clear_spare()
            if rooms.blocks is not None:
                rooms.blocks.trim()
            return before - rooms.device.used

    def inventory(self) -> list[Resident]:
        """List what is in which memory; the rows of a memory add up to what counts against its budget."""
        with self._rooms.changed:
            rows = [row for entry in self._rooms.entries.values() for row in self._rows(entry)]
            reading = [(wanted, room.nbytes) for wanted, room in self._readings.under_way.items() if room]
        where = self._rooms.reading_room.memory
        return rows + [
            Resident(wanted.kind, wanted.name, where, nbytes, 0, 0.0, "being read from disk")
            for wanted, nbytes in reading
            if nbytes
        ]

    def _rows(self, entry: Entry) -> Iterator[Resident]:
        idle_seconds = 0.0 if entry.holds else time.monotonic() - entry.used_at
        about = (entry.holds, idle_seconds)
        kind, name = entry.wanted.kind, entry.wanted.name
        if entry.on_device:
            yield Resident(kind, name, "device", entry.footprint.device, *about, why(entry))
        if entry.pristine_bytes:
            reason = "to take adapters off by" if entry.holds else "for the next adapters"
            yield Resident("pristine copies", name, "device", entry.pristine_bytes, *about, reason)
        if entry.movable is not None:
            reason = "what the device's was copied from" if entry.on_device else why(entry)
            yield Resident(kind, name, "host", entry.footprint.host, *about, reason)


def why(entry: Entry) -> str:
    if entry.holds:
        return "in use"
    return "used before, kept until room is needed" if entry.held_before else "read ahead"


def weights_bytes(device: torch.device) -> int:
    return free_for_weights(device) if device.type == "cuda" else half_of_ram()


def half_of_ram() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * RAM_SHARE)
