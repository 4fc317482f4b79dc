"""Which large weights would a worker rather use? Those it used last, for a while: moving others in takes seconds."""

import time
from collections.abc import Set

from django.conf import settings

from jobs.lifecycle import Performer


class Weights:
    """For which affinities a worker has claimed, and how long it has kept to one while others may wait."""

    def __init__(self) -> None:
        self.affinity, self.since = "", time.monotonic()

    def preferred(self, performer: Performer) -> Set[str]:
        """Return the affinities that cost no moving; none when it has kept to them for long enough."""
        if not self.affinity or time.monotonic() - self.since > settings.AFFINITY_SECONDS:
            return frozenset()
        resident = performer.resident()
        return resident if self.affinity in resident else {self.affinity}

    def used(self, affinity: str) -> None:
        """Note for which affinity a job was claimed."""
        if affinity != self.affinity:
            self.affinity, self.since = affinity, time.monotonic()
