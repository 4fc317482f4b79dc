"""How do many waiting requests learn that their job has moved? Each process asks for all of them, four times a second.

No message can get lost, because none is sent: the row is the truth.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError

from jobs.models import TERMINAL, Job
from jobs.threads import in_thread
from wire.errors import ApiError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
KEEPALIVE_SECONDS = 15


class Snapshot(NamedTuple):
    """Where a job stood when it was looked at."""

    status: str
    attempt: int
    progress_step: int
    progress_steps: int


@dataclass(eq=False)
class Waiter:
    """One request that waits for one job."""

    model: type[Job]
    job_id: str
    told: Snapshot | None = None
    news: asyncio.Queue[Snapshot] = field(default_factory=asyncio.Queue)

    def tell(self, snapshot: Snapshot | None) -> None:
        """Pass on what is new."""
        if snapshot is not None and snapshot != self.told:
            self.told = snapshot
            self.news.put_nowait(snapshot)


class Watch:
    """Everybody in this process who waits for a job."""

    def __init__(self) -> None:
        self.waiters: set[Waiter] = set()
        self.looking: asyncio.Task[None] | None = None

    async def changes(self, model: type[Job], job_id: str) -> AsyncIterator[Snapshot | None]:
        """Yield where the job stands, now and on each change, and None when nothing changed for 15 s.

        Ends after a final state. Raises ApiError when this process holds as many requests as it may.
        """
        if len(self.waiters) >= settings.MAX_WAITERS:
            message = "Too many requests are waiting here. The job goes on: ask for it again by its id."
            raise ApiError(503, "engine_overloaded", message, retry_after="5", x_should_retry="false")
        waiter = Waiter(model, job_id)
        self._enter(waiter)
        try:
            snapshot: Snapshot | None = None
            while snapshot is None or snapshot.status not in TERMINAL:
                try:
                    snapshot = await asyncio.wait_for(waiter.news.get(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    snapshot = None
                yield snapshot
        finally:
            self._leave(waiter)

    def _enter(self, waiter: Waiter) -> None:
        self.waiters.add(waiter)
        if self.looking is None:
            self.looking = asyncio.get_running_loop().create_task(self._look())

    def _leave(self, waiter: Waiter) -> None:
        self.waiters.discard(waiter)
        if not self.waiters and self.looking is not None:
            self.looking.cancel()
            self.looking = None

    async def _look(self) -> None:
        while True:
            for model in {waiter.model for waiter in self.waiters}:
                ids = {waiter.job_id for waiter in self.waiters if waiter.model is model}
                try:
                    found = await in_thread(_snapshots)(model, ids)
                except DatabaseError as error:
                    log.warning("cannot look at the jobs that requests wait for: %s", error)
                    continue
                for waiter in list(self.waiters):
                    waiter.tell(found.get(waiter.job_id))
            await asyncio.sleep(LOOK_SECONDS)


def _snapshots(model: type[Job], ids: set[str]) -> dict[str, Snapshot]:
    rows = model.objects.filter(pk__in=ids).values_list("pk", *Snapshot._fields)
    return {job_id: Snapshot(*values) for job_id, *values in rows}


WATCH = Watch()
