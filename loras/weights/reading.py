"""Reads weights from disk, each once at a time, into room that was taken for them before."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from loras.weights.memories import Footprint, Movable, layout
from loras.weights.rooms import Entry, Rooms, SharedRoom
from loras.weights.wanted import Loaded, Wanted


@dataclass(eq=False)
class Reservation:
    """Room for weights that are being read. While others than the device's thread read, they have it on loan."""

    rooms: Rooms
    nbytes: int
    visiting: bool
    settled: bool = False

    def take(self) -> None:
        self._resize_to(self.nbytes, before=0)
        if self.visiting:
            self.rooms.lent.append(self)

    def give_back(self) -> None:
        """Read on without room; when all is read, it is asked for again."""
        self.rooms.reading_room.give(self.nbytes)
        self.nbytes = 0

    def settle(self, nbytes: int) -> None:
        """Take what the headers did not tell, or give back what they told too much; from here on it is kept."""
        self._resize_to(nbytes, before=self.nbytes)
        self.nbytes = nbytes
        self._end_loan()
        self.rooms.visitors += self.visiting
        self.settled = True

    def give(self) -> None:
        self.rooms.reading_room.give(self.nbytes)
        self.end()

    def end(self) -> None:
        """Leave the room to what was read."""
        self._end_loan()
        self.rooms.visitors -= self.visiting and self.settled
        self.rooms.changed.notify_all()

    def _resize_to(self, nbytes: int, *, before: int) -> None:
        self.rooms.make_room(self.rooms.reading_room, nbytes - before, wait=not self.visiting)
        self.rooms.reading_room.take(nbytes - before)

    def _end_loan(self) -> None:
        if self in self.rooms.lent:
            self.rooms.lent.remove(self)


class Readings:
    """What is being read now, and how much room everything asked for so far takes."""

    def __init__(self, rooms: Rooms, dtype: torch.dtype) -> None:
        self._rooms, self._dtype = rooms, dtype
        self._footprints: dict[Wanted, Footprint] = {}
        self.under_way: dict[Wanted, Reservation | None] = {}  # and the room it has
        self._models = threading.Lock()

    def footprint(self, wanted: Wanted) -> Footprint:
        """Say how much room it takes, from its files' headers unless it was asked for before."""
        known = self._footprints.get(wanted)
        return known or self._footprints.setdefault(wanted, self._measured(wanted.sizes(self._dtype)))

    def _measured(self, sizes: list[int]) -> Footprint:
        return Footprint(0, sum(sizes)) if self._rooms.blocks is None else layout(sizes).footprint

    @contextmanager
    def kept(self, wanted: Wanted, *, visiting: bool) -> Iterator[Entry]:
        """Keep weights in memory, read unless they are there; visiting: by another thread than the device's.

        Raises CheckpointUnusable, LoraUnusable, NoRoom; nothing is remembered of what could not be read.
        """
        entry = self._fetch(wanted, visiting)
        try:
            yield entry
        finally:
            self._leave(entry, visiting)

    def _fetch(self, wanted: Wanted, visiting: bool) -> Entry:
        rooms = self._rooms
        with rooms.changed:
            while wanted in self.under_way:
                rooms.changed.wait()
            if wanted in rooms.entries:
                return self._keep(rooms.entries[wanted], visiting)
            self.under_way[wanted] = None
        try:
            return self._read(wanted, visiting)
        finally:
            with rooms.changed:
                del self.under_way[wanted]
                rooms.changed.notify_all()

    @torch.inference_mode(False)  # as Movable's
    def _read(self, wanted: Wanted, visiting: bool) -> Entry:
        rooms = self._rooms
        with ExitStack() as stack:
            companion = None
            if wanted.reads_with is not None:
                companion = stack.enter_context(self.kept(wanted.reads_with, visiting=visiting)).loaded.value
            expected = rooms.bytes_in(self.footprint(wanted), rooms.reading_room)
            with self._reserved(wanted, expected, visiting) as reservation:
                loaded = self._read_files(wanted, companion)
                footprint = self._measured([tensor.nbytes for tensor in loaded.tensors])
                with rooms.changed:
                    reservation.settle(rooms.bytes_in(footprint, rooms.reading_room))
                movable = None if rooms.blocks is None else Movable(loaded.tensors, rooms.blocks)
                return self._enter(Entry(wanted, loaded, footprint, movable), visiting)

    def _read_files(self, wanted: Wanted, companion: Any) -> Loaded:
        """Read models one after the other: diffusers and transformers build them under settings of the whole process,
        and two at once come out with parts on no device. A LoRA waits for nobody."""
        if wanted.reads_with is not None:
            return wanted.read(self._dtype, companion)
        with self._models:
            return wanted.read(self._dtype, companion)

    @contextmanager
    def _reserved(self, wanted: Wanted, nbytes: int, visiting: bool) -> Iterator[Reservation]:
        reservation = Reservation(self._rooms, nbytes, visiting)
        with self._rooms.changed:
            reservation.take()
            self.under_way[wanted] = reservation
        with ExitStack() as undo:
            undo.callback(self._undo, reservation)
            yield reservation
            undo.pop_all()
        with self._rooms.changed:
            reservation.end()

    def _undo(self, reservation: Reservation) -> None:
        with self._rooms.changed:
            reservation.give()

    def _enter(self, entry: Entry, visiting: bool) -> Entry:
        """Put what was read among the entries."""
        if entry.loaded.base:
            entry.loaded.base.pristine.room = SharedRoom(self._rooms, entry)
        with self._rooms.changed:
            self._footprints[entry.wanted] = entry.footprint
            self._rooms.entries[entry.wanted] = entry
            self.under_way[entry.wanted] = None
            return self._keep(entry, visiting)

    def _keep(self, entry: Entry, visiting: bool) -> Entry:
        entry.holds += not visiting
        entry.visits += visiting
        entry.held_before |= not visiting
        self._rooms.visitors += visiting
        self._rooms.touch(entry)
        return entry

    def _leave(self, entry: Entry, visiting: bool) -> None:
        with self._rooms.changed:
            entry.holds -= not visiting
            entry.visits -= visiting
            entry.used_at = time.monotonic()
            self._rooms.visitors -= visiting
            self._rooms.changed.notify_all()
