"""Has somebody asked us to stop? Once: in good order. Twice: now."""

import signal
import time
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(Exception):
    """Somebody asked for the end while we waited."""


class Signals:
    """Counts the requests to stop. A number, not an exception: that could strike between a start and its record."""

    def __init__(self) -> None:
        self.asked = 0
        for asking in ASKING:
            signal.signal(asking, self._count)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1

    @property
    def hurry(self) -> bool:
        """Return whether somebody has asked more than once."""
        return self.asked > 1

    def pause(self, seconds: float) -> None:
        """Sleep. Raises StopAsked."""
        deadline = time.monotonic() + seconds
        while not self.asked:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.1))
        raise StopAsked
