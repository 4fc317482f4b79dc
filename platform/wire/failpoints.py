"""Where can a process be made to break? At named moments of a job's way, as the environment says; nowhere without it.

    DARKROOM_FAILPOINTS="store.written=kill, claim.taken=hang:5@3"

kills a process that has written its first file, and holds up its third claim for five seconds. For tests and drills: a
service that bears each of these has nothing to fear of a crash.
"""

import logging
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

log = logging.getLogger(__name__)

HANG_SECONDS = 60.0
WRITTEN = re.compile(r"([a-z.]+)=(kill|raise|hang)(?::(\d{1,4}(?:\.\d{1,3})?))?(?:@(\d{1,6}))?")


class Point(StrEnum):
    """A moment at which a process may die, fail or stand still, in the order of a job's way."""

    UPLOAD_NOTED = "upload.noted"  # a given picture's file may be there, its row is not
    UPLOAD_WRITTEN = "upload.written"  # the file is there
    ACCEPT_ASKED = "accept.asked"  # all is checked, nothing is written
    ACCEPT_RESERVED = "accept.reserved"  # the ledger holds it, in the transaction
    ACCEPT_PLACED = "accept.placed"  # the job waits, in the transaction
    ACCEPT_NOTED = "accept.noted"  # its Idempotency-Key knows it, in the transaction
    ACCEPT_COMMITTED = "accept.committed"  # the job is there, no worker has heard of it
    ACCEPT_RUNG = "accept.rung"  # a worker has heard, the caller has not
    CLAIM_FOUND = "claim.found"  # it is this job's turn
    CLAIM_TAKEN = "claim.taken"  # it runs, in the transaction
    CLAIM_COMMITTED = "claim.committed"  # it runs, and nobody has begun it
    RUN_BEGUN = "run.begun"  # its performer has it
    RUN_FETCHING = "run.fetching"  # in the thread that brings its files
    RUN_REPORTED = "run.reported"  # its lease was renewed
    RUN_DRAWN = "run.drawn"  # in the engine's thread, with a picture
    STORE_BEGUN = "store.begun"  # in the thread that stores, before the first file
    STORE_WRITTEN = "store.written"  # the picture's file is there
    STORE_COMPLETE = "store.complete"  # and its thumbnail's
    SETTLE_ASKED = "settle.asked"  # all is stored, and whoever hangs here may have lost the job by then
    SETTLE_BEGUN = "settle.begun"  # the job has ended, in the transaction
    SETTLE_CHARGED = "settle.charged"  # and is paid for
    SETTLE_WRITTEN = "settle.written"  # and its images are there, its message too
    SETTLE_COMMITTED = "settle.committed"  # for everybody to see
    SWEEP_FOUND = "sweep.found"  # a job whose worker fell silent
    SWEEP_RECOVERED = "sweep.recovered"  # it waits again
    DELIVER_TAKEN = "deliver.taken"  # an attempt is ours to make
    DELIVER_SENT = "deliver.sent"  # the receiver has answered, in the thread that asked it
    DELIVER_NOTED = "deliver.noted"  # the answer is written, in the transaction
    DELIVER_SETTLED = "deliver.settled"  # for everybody to see
    TIDY_REMOVED = "tidy.removed"  # a file is gone, the note that it was to go is not


class Broken(Exception):
    """What a failpoint raises: as unexpected as any bug."""


@dataclass(frozen=True)
class Break:
    """What happens at a point, and the how many-th time that a process comes there."""

    how: str
    seconds: float = HANG_SECONDS
    at: int = 1

    def strike(self, point: Point) -> None:
        """Die, raise Broken, or hold this thread up."""
        log.warning("failpoint %s: %s", point, self.how)
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "raise":
            raise Broken(point)
        time.sleep(self.seconds)


def parsed(text: str) -> dict[Point, Break]:
    """Return what the text asks for. Raises ValueError with a sentence."""
    return dict(_parsed(part.strip()) for part in text.split(",") if part.strip())


def _parsed(part: str) -> tuple[Point, Break]:
    said = WRITTEN.fullmatch(part)
    if said is None:
        raise ValueError(f"{part!r} must look like store.written=kill, =raise, =hang or =hang:5, and @3 for the third.")
    name, how, seconds, at = said.groups()
    if name not in set(Point):
        raise ValueError(f"{name!r} is none of the points: {', '.join(Point)}.")
    return Point(name), Break(how, float(seconds or HANG_SECONDS), int(at or 1))


def failpoint(point: Point) -> None:
    """Break here, if that was asked for. Raises Broken."""
    planned: Mapping[Point, Break] = settings.FAILPOINTS
    if (broken := planned.get(point)) and _pass(point) == broken.at:
        broken.strike(point)


passes: Counter[Point] = Counter()
_counting = threading.Lock()


def _pass(point: Point) -> int:
    """Return how often this process has come here; several threads may at a time."""
    with _counting:
        passes[point] += 1
        return passes[point]
