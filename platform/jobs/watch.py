"""How do many waiting requests learn that their job has moved? Each process asks for all of them, four times a second.

No message can get lost, because none is sent: the row is the truth. Previews, which may get lost, are asked for beside
it: with one question to the store for all who want to see them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.db import Error

from jobs import previews
from jobs.models import TERMINAL, Job, Status
from jobs.services import positions
from jobs.threads import in_thread
from tenants.isolation import EVERYBODY, speak_for
from wire.errors import ApiError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
KEEPALIVE_SECONDS = 15


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
class Waiter:
    """One request that waits for one job, and wants to see so many of an attempt's previews."""

    job: Job
    wanted: int = 0
    attempt: int = 0
    seen: int = 0
    told: Snapshot | None = None
    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)

    def awaited(self, attempt: int) -> list[str]:
        """Return the names of the previews of this attempt that may come next."""
        if attempt != self.attempt:
            self.attempt, self.seen = attempt, 0
        return [previews.key(self.job.pk, attempt, number) for number in range(self.seen, self.wanted)]

    def tell(self, snapshot: Snapshot, shown: dict[str, bytes]) -> None:
        """Pass on what is new; the previews first, since the end is the last to be told."""
        for number, name in enumerate(self.awaited(snapshot.attempt), start=self.seen):
            if name in shown:  # those before it have been in the store for their minute
                self.seen = number + 1
                self.news.put_nowait(shown[name])
        if snapshot != self.told:
            self.told = snapshot
            self.news.put_nowait(snapshot)


class Watch:
    """Everybody in this process who waits for a job."""

    def __init__(self) -> None:
        self.waiters: set[Waiter] = set()
        self.looking: asyncio.Task[None] | None = None

    def check_room(self, tenant_id: str) -> None:
        """Raise ApiError when nobody, or nobody of this tenant, may wait here now. Ask before accepting anything."""
        tenants = [waiter.job.tenant_id for waiter in list(self.waiters)]
        if tenants.count(tenant_id) >= settings.MAX_WAITERS_PER_TENANT:
            message = "Too many requests of yours are waiting. Ask without waiting, and look at the job later."
            raise ApiError(429, "too_many_waiting", message, retry_after="5")
        if len(tenants) >= settings.MAX_WAITERS:
            message = "Too many requests are waiting here. Ask without waiting, and look at the job later."
            raise ApiError(503, "engine_overloaded", message, retry_after="5")

    async def changes(self, job: Job, *, previews: int = 0) -> AsyncIterator[News | None]:
        """Yield where the job stands, now and on each change, and None when nothing changed for 15 s.

        Between, what each attempt shows before its end: this many previews at most. Ends after a final state, and
        when the job is gone.
        """
        waiter = Waiter(job, previews)
        self._enter(waiter)
        try:
            news: News | None = None
            while not (isinstance(news, Snapshot) and news.status in TERMINAL):
                try:
                    news = await asyncio.wait_for(waiter.news.get(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    news = None
                if news == GONE:
                    return
                yield news
        finally:
            self._leave(waiter)

    def _enter(self, waiter: Waiter) -> None:
        self.waiters.add(waiter)
        if self.looking is None or self.looking.done():
            self.looking = asyncio.get_running_loop().create_task(self._look())

    def _leave(self, waiter: Waiter) -> None:
        self.waiters.discard(waiter)
        if not self.waiters and self.looking is not None:
            self.looking.cancel()
            self.looking = None

    async def _look(self) -> None:
        speak_for(EVERYBODY)  # it looks for all who wait, not for the request that came first
        while True:
            for model in {type(waiter.job) for waiter in self.waiters}:
                waiters = [waiter for waiter in self.waiters if type(waiter.job) is model]
                try:
                    found, shown = await in_thread(_looked_at)(model, waiters)
                except Error as error:
                    log.warning("cannot look at the jobs that requests wait for: %s", error)
                    continue
                for waiter in waiters:
                    if snapshot := found.get(waiter.job.pk):
                        waiter.tell(snapshot, shown)
                    else:
                        waiter.news.put_nowait(GONE)
            await asyncio.sleep(LOOK_SECONDS)


def _looked_at(model: type[Job], waiters: list[Waiter]) -> tuple[dict[str, Snapshot], dict[str, bytes]]:
    """Return where these requests' jobs stand, and, asked for after that, what the jobs show: a job that has ended has
    shown all it ever will."""
    found = _snapshots(model, {waiter.job.pk for waiter in waiters})
    names = {
        name
        for waiter in waiters
        if waiter.wanted and waiter.job.pk in found
        for name in waiter.awaited(found[waiter.job.pk].attempt)
    }
    return found, previews.store().get(sorted(names))


def _snapshots(model: type[Job], ids: set[str]) -> dict[str, Snapshot]:
    jobs = list(model.objects.filter(pk__in=ids))
    waiting = {job.tenant_id for job in jobs if job.status == Status.QUEUED}
    places = {job_id: place for tenant in waiting for job_id, place in positions(model, tenant).items()}
    return {job.pk: _snapshot(job, places.get(job.pk)) for job in jobs}


def _snapshot(job: Job, position: int | None) -> Snapshot:
    return Snapshot(job.status, job.attempt, job.progress_step, job.progress_steps, position)


WATCH = Watch()
