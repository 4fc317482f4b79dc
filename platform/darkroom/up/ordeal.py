"""Does every accepted job end exactly once, whatever dies? Jobs are accepted while process after process is killed."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from darkroom.up.asking import Asker
from darkroom.up.faults import PROCESSES, flush_store, kill
from darkroom.up.inbox import Inbox
from darkroom.up.site import Site
from darkroom.up.supervisor import WontStart
from darkroom.up.verdict import Outcome, violations, what_is_wrong

JOBS_PER_KILL = 2
FLUSH_SHARE = 0.1
FIRST_LIFE_SECONDS = 8.0
LONGER, SHORTER = 1.1, 0.75  # so that one kill in four comes after something has got done
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 180.0  # without any news


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often to kill, and how long a job is; the seed decides whom and when."""

    kills: int
    seed: int
    steps: int = 50


@dataclass
class Storm:
    """Kills processes of a site at random moments, about as often as it can bear."""

    site: Site
    plan: Plan
    kills: Counter[str] = field(default_factory=Counter)
    flushes: int = 0

    def strikes(self, news: Callable[[], int]) -> Iterator[str]:
        """Kill one process after the other and yield its name. Raises WontStart.

        A kill that nothing new came before finds only what is starting: then each is left alone for a little longer,
        and otherwise for less, however fast the machine and the engine are.
        """
        chance, life_seconds, known = random.Random(self.plan.seed), FIRST_LIFE_SECONDS, news()
        while self.kills.total() < self.plan.kills:
            time.sleep(chance.uniform(0, 2 * life_seconds / len(PROCESSES)))
            if self.site.process.poll() is not None:
                raise WontStart(f"The supervisor has ended with status {self.site.process.returncode}.")
            name = chance.choice(PROCESSES)
            if chance.random() < FLUSH_SHARE:
                self.flushes += flush_store(self.site.home)
            if kill(self.site.home, name):
                self.kills[name] += 1
                life_seconds *= SHORTER if news() > known else LONGER
                known = news()
                yield name


def endure(site: Site, inbox: Inbox, plan: Plan, say: Callable[[str], None]) -> Outcome:
    """Have jobs accepted while processes die, wait until all have ended, and check everything. Raises WontStart."""
    began, before = time.monotonic(), {job["id"] for job in site.client.generations()}
    asker, storm = Asker(site.client, inbox.url, plan.seed), Storm(site, plan)
    with asker.threads() as threads:
        asked: list[Future[dict[str, Any]]] = []
        for kills, _ in enumerate(storm.strikes(lambda: len(inbox.heard)), start=1):
            for _ in range(JOBS_PER_KILL):
                asked.append(threads.submit(asker.ask, len(asked), steps=plan.steps))
            say(f"{kills} kills, {sum(each.done() for each in asked)} requests answered, {len(inbox.heard)} jobs ended")
        heard = [each.result()["id"] for each in asked]
    _await_the_end(inbox, heard, say)
    jobs = [job for job in site.client.generations() if job["id"] not in before]
    return Outcome(
        kills=storm.kills,
        flushes=storm.flushes,
        jobs=jobs,
        requests=len(asker.unheard),
        messages=inbox.copies,
        seconds=time.monotonic() - began,
        wrong=[*what_is_wrong(heard, jobs, inbox), *violations(site)],
    )


def _await_the_end(inbox: Inbox, heard: Sequence[str], say: Callable[[str], None]) -> None:
    """Wait until the end of every job has been told, or until nothing has been told for long."""
    told, patient_until = -1, 0.0
    while missing := len(set(heard) - inbox.heard.keys()):
        if len(inbox.heard) != told:
            told, patient_until = len(inbox.heard), time.monotonic() + PATIENCE_SECONDS
            say(f"{missing} jobs have yet to end")
        elif time.monotonic() > patient_until:
            return
        time.sleep(POLL_SECONDS)
