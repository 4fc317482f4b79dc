"""Who in this process is answered for long, and what does each of them hear?"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from jobs import previews
from jobs.models import Job
from tenants.standing import Standing
from wire.errors import ApiError


class Snapshot(NamedTuple):
    """Where a job stood when it was looked at; its place among its tenant's while it waits."""

    status: str
    attempt: int
    progress_step: int
    progress_steps: int
    position: int | None


# What a waiting request hears: where its job stands, or something that the job shows before its end.
News = Snapshot | bytes
GONE = b""  # its row was deleted: there will be no end to tell of


@dataclass(eq=False)
class Guest:
    """One request whose answer takes long, and why it ends early, if it does."""

    standing: Standing
    refusal: ApiError | None = None

    def refuse(self, refusal: ApiError) -> None:
        """Let them hear no more than this."""
        self.refusal = refusal


@dataclass(eq=False, kw_only=True)
class Waiter(Guest):
    """One request that waits for one job, and wants to see so many of an attempt's previews, and its place or not."""

    job: Job
    wanted: int = 0
    wants_place: bool = True
    attempt: int = 0
    seen: int = 0
    told: Snapshot | None = None
    told_at: float = 0.0  # by a clock that only orders
    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)

    def refuse(self, refusal: ApiError) -> None:
        """Let them hear no more than this, and now."""
        super().refuse(refusal)
        self.news.put_nowait(GONE)

    def awaited(self, attempt: int) -> list[str]:
        """Return the names of the previews of this attempt that may come next."""
        if attempt != self.attempt:
            self.attempt, self.seen = attempt, 0
        return [previews.key(self.job.pk, attempt, number) for number in range(self.seen, self.wanted)]

    def has_only_moved(self, snapshot: Snapshot | None) -> bool:
        """Return whether nothing is new but the job's place among those that wait, be it better or worse."""
        if snapshot is None or self.told is None or not self.wants_place or snapshot == self.told:
            return False
        return snapshot == self.told._replace(position=snapshot.position)

    def tell(self, snapshot: Snapshot, shown: dict[str, bytes]) -> None:
        """Pass on what is new; the previews first, since the end is the last to be told."""
        for number, name in enumerate(self.awaited(snapshot.attempt), start=self.seen):
            if name in shown:  # those before it have been in the store for their minute
                self.seen = number + 1
                self.news.put_nowait(shown[name])
        if not self.wants_place:
            snapshot = snapshot._replace(position=None)
        if snapshot != self.told:
            self.told, self.told_at = snapshot, time.monotonic()
            self.news.put_nowait(snapshot)
