"""The two memories as rooms with a budget each: what is in them, and who leaves when another needs the room.

The least recently used of what nobody uses goes first: from the device to host memory, from host memory altogether.
Where host and device are one memory there is one room, the device's.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Condition
from typing import Protocol

import torch

from loras.weights.errors import WeightsTooLarge
from loras.weights.memories import Blocks, Footprint, Movable, let_go
from loras.weights.wanted import Loaded, Wanted


class Lent(Protocol):
    """Room that is taken, but given back as soon as the device's thread wants it."""

    nbytes: int

    def give_back(self) -> None: ...


class NoRoom(WeightsTooLarge):
    """Report that what is in use leaves no room now."""


@dataclass(eq=False)
class Budget:
    """How many bytes a memory may hold, and how many it does."""

    memory: str
    limit: int
    used: int = 0

    @property
    def free(self) -> int:
        return self.limit - self.used

    def take(self, nbytes: int) -> None:
        if nbytes > self.free:
            raise NoRoom(f"{nbytes:,} bytes were taken of the {self.free:,} free in {self.memory} memory.")
        self.used += nbytes

    def give(self, nbytes: int) -> None:
        self.used -= nbytes


@dataclass(eq=False)
class Entry:
    """Weights that are in memory: what they are, how much they take, how many use them."""

    wanted: Wanted
    loaded: Loaded
    footprint: Footprint
    movable: Movable | None  # None where host and device are one memory
    holds: int = 0  # by the device thread
    visits: int = 0  # by threads that read ahead
    held_before: bool = False
    used_at: float = field(default_factory=time.monotonic)

    @property
    def idle(self) -> bool:
        return not self.holds and not self.visits

    @property
    def on_device(self) -> bool:
        return self.movable is None or self.movable.on_device

    @property
    def pristine_bytes(self) -> int:
        return self.loaded.base.pristine.held_bytes if self.loaded.base else 0

    @property
    def spare_bytes(self) -> int:
        """Bytes of pristine copies that are not needed now: no adapter is on."""
        return 0 if self.loaded.base is None or self.loaded.base.patched else self.pristine_bytes

    def clear_spare(self) -> None:
        if self.loaded.base is not None and not self.loaded.base.patched:
            self.loaded.base.pristine.clear()


class Rooms:
    """Entries in the order of their last use, and the budgets they share. Whoever calls holds `changed`."""

    def __init__(self, blocks: Blocks | None, device: Budget, host: Budget) -> None:
        """Without blocks, host and device are one memory, and the host's budget stays unused."""
        self.blocks = blocks
        self.device, self.host = device, host
        self.reading_room = device if blocks is None else host  # where weights arrive from disk
        self.entries: OrderedDict[Wanted, Entry] = OrderedDict()
        self.changed = Condition()
        self.visitors = 0  # what other threads than the device's keep in memory; they never wait while they do
        self.lent: list[Lent] = []  # to what other threads are reading from a disk

    def bytes_in(self, footprint: Footprint, budget: Budget) -> int:
        return footprint.device if budget is self.device else footprint.host

    def make_room(self, budget: Budget, nbytes: int, *, wait: bool) -> None:
        """Put idle weights away until so many bytes are free; none if that cannot be enough. Raises NoRoom.

        The device thread (`wait`) takes room back from what others read, for it waits for no disk of theirs, and waits
        for what they keep: a base while its LoRA is read.
        """
        while budget.free < nbytes:
            idle = self.leavable_bytes(budget, also_spare=wait)
            if wait and budget is self.reading_room and self.lent and budget.free + idle < nbytes:
                self.lent.pop().give_back()
            elif budget.free + idle < nbytes:
                if not (wait and self.visitors):
                    raise NoRoom(
                        f"{nbytes:,} bytes are needed in {budget.memory} memory: of its {budget.limit:,} "
                        f"{budget.free:,} are free and {idle:,} idle."
                    )
                self.changed.wait()
            elif entry := next(self.leavable(budget), None):
                self.put_away(entry, budget)
            else:
                self.clear_spare()

    def leavable(self, budget: Budget) -> Iterator[Entry]:
        """Yield what may leave the budget's memory, the least recently used first.

        What another thread keeps may leave the device: that thread looks at the host's copy, or only at its sizes.
        """
        return (
            entry
            for entry in self.entries.values()
            if not entry.holds
            and not (entry.visits and budget is self.reading_room)
            and (budget is self.host or entry.on_device)
        )

    def leavable_bytes(self, budget: Budget, *, also_spare: bool) -> int:
        """Sum what the idle entries have there, also the spare pristine copies of those in use."""
        weights = sum(self.bytes_in(entry.footprint, budget) for entry in self.leavable(budget))
        if budget is self.host:
            return weights
        copies = (entry for entry in self.entries.values() if entry.idle or also_spare)
        return weights + sum(entry.spare_bytes for entry in copies)

    def clear_spare(self) -> None:
        """Let pristine copies go that no adapter needs now. The device thread's alone to do, it may be using them."""
        for entry in self.entries.values():
            entry.clear_spare()

    def put_away(self, entry: Entry, budget: Budget) -> None:
        if budget is self.reading_room:
            self.drop(entry)
        else:
            self.leave_device(entry)

    def leave_device(self, entry: Entry) -> None:
        entry.clear_spare()
        if entry.movable and entry.movable.on_device:
            entry.movable.to_host()
            self.device.give(entry.footprint.device)

    def drop(self, entry: Entry) -> None:
        self.leave_device(entry)
        del self.entries[entry.wanted]
        let_go(entry.loaded.tensors)
        entry.movable = None
        self.reading_room.give(self.bytes_in(entry.footprint, self.reading_room))

    def enter_device(self, entry: Entry) -> None:
        """Make a held entry resident. Raises NoRoom, torch.OutOfMemoryError; the entry is where it was then."""
        if entry.movable is None or entry.movable.on_device:
            return
        self.make_room(self.device, entry.footprint.device, wait=True)
        with ExitStack() as undo:
            self.device.take(entry.footprint.device)
            undo.callback(self.device.give, entry.footprint.device)
            entry.movable.to_device()
            undo.pop_all()

    def touch(self, entry: Entry) -> None:
        entry.used_at = time.monotonic()
        self.entries.move_to_end(entry.wanted)


@dataclass(frozen=True, eq=False)
class SharedRoom:
    """Room for the pristine copies of one entry, out of the device's budget."""

    rooms: Rooms
    entry: Entry

    def take(self, nbytes: int) -> bool:
        if not self.entry.holds:
            raise RuntimeError(f"{self.entry.wanted.name} is not held: it may leave the device while adapters are on.")
        with self.rooms.changed:
            try:
                self.rooms.make_room(self.rooms.device, nbytes, wait=True)
            except NoRoom:
                return False
            self.rooms.device.take(nbytes)
            return True

    def give(self, nbytes: int) -> None:
        with self.rooms.changed:
            self.rooms.device.give(nbytes)
            self.rooms.changed.notify_all()

    def stand_in(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the weight's host copy, which nothing writes to."""
        if self.entry.movable is None:
            device = self.rooms.device
            raise WeightsTooLarge(
                f"No room is left for a pristine copy of a weight of {weight.nbytes:,} bytes: "
                f"{device.used:,} of {device.limit:,} bytes are in use."
            )
        return self.entry.movable.on_host(weight)
