"""How did an ordeal end? Every promise is compared with what is there, and what is wrong is said in sentences."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from darkroom.up.inbox import Inbox
from darkroom.up.site import Site
from jobs.leases import MAX_CRASHES, WORKER_CRASHED


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done to a Darkroom, and what came of it."""

    kills: Counter[str]
    flushes: int
    jobs: Sequence[dict[str, Any]]
    # What was cut short, and done again: requests, attempts at a job, messages.
    requests: int
    messages: int
    seconds: float
    wrong: Sequence[str]

    @property
    def attempts(self) -> int:
        """Return how many attempts were cut short."""
        return sum(job["attempt"] - 1 for job in self.jobs)

    @property
    def pictures(self) -> int:
        """Return how many pictures there are."""
        return sum(len(job["images"]) for job in self.jobs)

    @property
    def given_up(self) -> int:
        """Return how many jobs were given up because their worker died three times."""
        return sum(map(is_given_up, self.jobs))


def is_given_up(job: dict[str, Any]) -> bool:
    """Return whether the job ended because its worker died three times.

    It may be what kills workers, so that is an honest end, whoever killed them: it is told, and costs nothing.
    """
    return job["status"] == "failed" and job["error"]["code"] == WORKER_CRASHED and job["attempt"] >= MAX_CRASHES


def what_is_wrong(heard: Sequence[str], jobs: Sequence[dict[str, Any]], inbox: Inbox) -> Iterator[str]:
    """Yield every promise that was broken: `heard` is the id that each key was answered with."""
    promised, made = Counter(heard), {job["id"] for job in jobs}
    yield from (f"{each} was promised and is lost" for each in promised.keys() - made)
    yield from (f"{each} was made, and promised to nobody" for each in made - promised.keys())
    yield from (f"{each} was promised {times} times" for each, times in promised.items() if times > 1)
    yield from (f"{each} was told of, and is not there" for each in inbox.heard.keys() - made)
    for job in jobs:
        if not _ended_well(job):
            yield f"{job['id']} did not end well: {json.dumps(job)}"
        told = sorted(inbox.heard.get(job["id"], ()))
        if [status for _, status in told] != [job["status"]]:
            yield f"{job['id']} is {job['status']}, and was told of as {told}"


def _ended_well(job: dict[str, Any]) -> bool:
    if is_given_up(job):
        return not job["images"] and not job["cost"]["charged"]
    return job["status"] == "succeeded" and len(job["images"]) == job["spec"]["n"]


def violations(site: Site) -> list[str]:
    """Return what `check_invariants` finds broken."""
    answer = site.manage("check_invariants", "--json")
    if not answer.stdout:
        return [answer.stderr]
    return [each for check in json.loads(answer.stdout)["checks"] for each in check["violations"]]
