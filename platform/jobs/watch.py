"""How do many waiting requests learn that their job has moved? Each process asks for all of them, four times a second.

No message can get lost, because none is sent: the row is the truth. Previews, which may get lost, are asked for beside
it: with one question to the store for all who want to see them. And whoever waits is asked for again: who may not come
in any more hears nothing more, even when nothing happens.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.db import Error

from jobs import previews
from jobs.guests import GONE, Guest, News, Snapshot, Waiter
from jobs.models import TERMINAL, Job, Status
from jobs.prospects import positions
from jobs.threads import in_thread
from tenants.isolation import EVERYBODY, speak_for
from tenants.standing import Standing, refusals
from wire.errors import ApiError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
KEEPALIVE_SECONDS = 15
# So many hear in one look of another place, and of nothing more: each of them costs a few queries and a rendering, and
# with every job that ends, or overtakes others, all those behind it move. The others hear it in the next looks.
PLACES_A_LOOK = 2
STANDS = ("status", "attempt", "progress_step", "progress_steps")  # as a snapshot has them

AnyGuest = TypeVar("AnyGuest", bound=Guest)


class Watch:
    """Everybody in this process whose answer takes long: who waits for a job, and who fetches an archive."""

    def __init__(self) -> None:
        self.guests: set[Guest] = set()
        self.looking: asyncio.Task[None] | None = None

    @property
    def waiters(self) -> list[Waiter]:
        """Return those who wait for a job."""
        return [guest for guest in list(self.guests) if isinstance(guest, Waiter)]

    def check_room(self, tenant_id: str) -> None:
        """Raise ApiError when nobody, or nobody of this tenant, may wait here now. Ask before accepting anything."""
        tenants = [waiter.job.tenant_id for waiter in self.waiters]
        if tenants.count(tenant_id) >= settings.MAX_WAITERS_PER_TENANT:
            message = "Too many requests of yours are waiting. Ask without waiting, and look at the job later."
            raise ApiError(429, "too_many_waiting", message, retry_after="5")
        if len(tenants) >= settings.MAX_WAITERS:
            message = "Too many requests are waiting here. Ask without waiting, and look at the job later."
            raise ApiError(503, "engine_overloaded", message, retry_after="5")

    async def changes(
        self, standing: Standing, job: Job, *, previews: int = 0, place: bool = False
    ) -> AsyncIterator[News | None]:
        """Yield where the job stands, now and on each change, and None when nothing changed for 15 s.

        Its place among those that wait counts as a change for whoever wants it. Between, what each attempt shows before
        its end: this many previews at most. Ends after a final state, and when the job is gone. Raises ApiError once
        who came in so may not come in any more.
        """
        with self._holding(Waiter(standing, job=job, wanted=previews, wants_place=place)) as waiter:
            news: News | None = None
            while not (isinstance(news, Snapshot) and news.status in TERMINAL):
                try:
                    news = await asyncio.wait_for(waiter.news.get(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    news = None
                if waiter.refusal:
                    raise waiter.refusal
                if news == GONE:
                    return
                yield news

    async def while_welcome(self, standing: Standing, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the pieces of an answer. Raises ApiError once who came in so may not come in any more."""
        with self._holding(Guest(standing)) as guest:
            async for piece in pieces:
                if guest.refusal:
                    raise guest.refusal
                yield piece

    @contextmanager
    def _holding(self, guest: AnyGuest) -> Iterator[AnyGuest]:
        """Look out for this request as long as it is answered."""
        self.guests.add(guest)
        if self.looking is None or self.looking.done():
            self.looking = asyncio.get_running_loop().create_task(self._look())
        try:
            yield guest
        finally:
            self.guests.discard(guest)
            if not self.guests and self.looking is not None:
                self.looking.cancel()
                self.looking = None

    async def _look(self) -> None:
        speak_for(EVERYBODY)  # it looks for all who wait, not for the request that came first
        while True:
            guests = list(self.guests)
            try:
                seen = await in_thread(_looked_at)(guests)
            except Error as error:
                log.warning("cannot look at what requests wait for: %s", error)
            else:
                for guest in set(guests) - seen.later(guests):
                    seen.tell(guest)
            await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True)
class Seen:
    """What one look has found: where the jobs stand, what they show, and who may not hear of it any more."""

    jobs: dict[str, Snapshot]
    shown: dict[str, bytes]
    refused: dict[Standing, ApiError]

    def later(self, guests: Sequence[Guest]) -> set[Guest]:
        """Return who hears later that it has another place: whoever was told something last, and of each tenant all
        but one while others have any."""
        waiters = [guest for guest in guests if isinstance(guest, Waiter) and guest.standing not in self.refused]
        moved = [each for each in waiters if each.has_only_moved(self.jobs.get(each.job.pk))]
        before, rounds = Counter[str](), dict[Waiter, int]()
        for each in sorted(moved, key=lambda waiter: waiter.told_at):
            rounds[each] = before[each.job.tenant_id]
            before[each.job.tenant_id] += 1
        return set(sorted(rounds, key=lambda waiter: rounds[waiter])[PLACES_A_LOOK:])

    def tell(self, guest: Guest) -> None:
        """Tell this request what it may hear."""
        if refusal := self.refused.get(guest.standing):
            guest.refuse(refusal)
        elif isinstance(guest, Waiter):
            if snapshot := self.jobs.get(guest.job.pk):
                guest.tell(snapshot, self.shown)
            else:
                guest.news.put_nowait(GONE)


def _looked_at(guests: list[Guest]) -> Seen:
    """Look at the jobs, after that at what they show, since a job that has ended has shown all it ever will, and last
    at who may hear of it: nothing is told that happened after somebody was shut out."""
    waiters = [guest for guest in guests if isinstance(guest, Waiter)]
    found: dict[str, Snapshot] = {}
    for model in {type(waiter.job) for waiter in waiters}:
        found |= _snapshots(model, [waiter for waiter in waiters if type(waiter.job) is model])
    names = {
        name
        for waiter in waiters
        if waiter.wanted and waiter.job.pk in found
        for name in waiter.awaited(found[waiter.job.pk].attempt)
    }
    shown = previews.store().get(sorted(names))
    return Seen(found, shown, refusals({guest.standing for guest in guests}))


def _snapshots(model: type[Job], waiters: list[Waiter]) -> dict[str, Snapshot]:
    # No whole rows: a thousand may wait, and we look four times a second.
    ids, placed = {each.job.pk for each in waiters}, {each.job.pk for each in waiters if each.wants_place}
    jobs = list(model.objects.filter(pk__in=ids).values_list("pk", "tenant_id", *STANDS))
    waiting = {tenant_id for job_id, tenant_id, status, *_ in jobs if status == Status.QUEUED and job_id in placed}
    places = positions(model, waiting) if waiting else {}
    return {
        job_id: Snapshot(status, attempt, step, steps, places.get(job_id))
        for job_id, _, status, attempt, step, steps in jobs
    }


WATCH = Watch()
