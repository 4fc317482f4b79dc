"""By when is a generation due? Who is due first is drawn first.

The clock by which that is measured runs while the device works, and the slower the more lanes share it: then whoever is
drawn in turn with others is due when it is done, and a newcomer never finds a queue of those that are overdue.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

STAY_SECONDS = 10.0  # so long a checkpoint is drawn with while one that is not on the device is due first
USUAL_PATIENCE = 2.0  # due after so many times what it takes alone: the short overtake the long, and none starves


@dataclass(frozen=True)
class Urgency:
    """How urgent a generation is: after how many times what it takes alone it is due, and in which lane.

    Generations of one lane and patience are due one after another, sooner in a lane of more weight. Whoever names no
    lane stands alone.
    """

    lane: str = ""
    patience: float = USUAL_PATIENCE
    weight: float = 1.0


class Dues:
    """The clock, and by when each lane's generations are due. Safe from any thread."""

    def __init__(self) -> None:
        self.now = 0.0
        self._alive: dict[Future[None], tuple[Urgency, float]] = {}
        self._lock = threading.Lock()

    def of(self, urgency: Urgency, seconds_alone: float, finished: "Future[None]") -> float:
        """Return by when a generation is due that would take so long alone; its lane waits for it until it ends."""
        with self._lock:
            before = [due for other, due in self._alive.values() if other == urgency and urgency.lane]
            due = max([self.now, *before]) + urgency.patience * seconds_alone / urgency.weight
            self._alive[finished] = (urgency, due)
        finished.add_done_callback(self._forget)
        return due

    def worked(self, seconds: float) -> None:
        """Let the clock run: the device has worked for so long."""
        with self._lock:
            weights = {urgency.lane: urgency.weight for urgency, _ in self._alive.values() if urgency.lane}
            self.now += seconds * (USUAL_PATIENCE / sum(weights.values()) if weights else 1.0)

    def _forget(self, finished: "Future[None]") -> None:
        with self._lock:
            self._alive.pop(finished, None)


class Stay:
    """Which checkpoint is drawn with, and how long it stays although another is due first: moving it takes seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self.checkpoint, self.since = "", clock()

    def next(self, dues: Mapping[str, float], is_near: Callable[[str], bool]) -> str:
        """Return whose turn it is, of checkpoints by when their first picture is due; a near one moves nothing."""
        first = min(dues, key=lambda each: dues[each])
        if first == self.checkpoint:
            return first
        if self.checkpoint in dues and not is_near(first) and self.clock() - self.since < self.seconds:
            return self.checkpoint
        self.checkpoint, self.since = first, self.clock()
        return first
