"""Which large weights would a worker rather use? Those it used last, for a while: moving others in takes seconds."""

import time
from collections.abc import Callable, Set

from django.conf import settings

from jobs.lifecycle import Performer


class Weights:
    """For which affinities a worker has claimed, and how long it has kept to one while others may wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.affinity, self.since = clock, "", clock()

    def preferred(self, performer: Performer) -> Set[str]:
        """Return the affinities that cost no moving; none when it has kept to them for long enough."""
        if not self.affinity or self.clock() - self.since > settings.AFFINITY_SECONDS:
            return frozenset()
        resident = performer.resident()
        return resident if self.affinity in resident else {self.affinity}

    def used(self, affinity: str) -> None:
        """Note for which affinity a job was claimed."""
        if affinity != self.affinity:
            self.affinity, self.since = affinity, self.clock()
