"""By when is a generation due? Who is due first is drawn first.

The clock by which that is measured runs while the device works, and the slower the more lanes share it: then whoever is
drawn in turn with others is due when it is done, and a newcomer never finds a queue of those that are overdue.
"""

import threading
from concurrent.futures import Future
from dataclasses import dataclass

USUAL_PATIENCE = 2.0  # due after so many times what it takes alone: the short overtake the long, and none starves


@dataclass(frozen=True)
class Urgency:
    """How urgent a generation is: after how many times what it takes alone it is due, and in which lane.

    Generations of one lane and patience are due one after another. Whoever names no lane stands alone.
    """

    lane: str = ""
    patience: float = USUAL_PATIENCE


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
            due = max([self.now, *before]) + urgency.patience * seconds_alone
            self._alive[finished] = (urgency, due)
        finished.add_done_callback(self._forget)
        return due

    def worked(self, seconds: float) -> None:
        """Let the clock run: the device has worked for so long."""
        with self._lock:
            lanes = {urgency.lane for urgency, _ in self._alive.values()} - {""}
            self.now += seconds * min(1.0, USUAL_PATIENCE / max(1, len(lanes)))

    def _forget(self, finished: "Future[None]") -> None:
        with self._lock:
            self._alive.pop(finished, None)
