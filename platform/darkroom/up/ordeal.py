"""Does every accepted job end exactly once, whatever dies? Jobs are accepted while something breaks again and again."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from darkroom.up import leftovers
from darkroom.up.first_picture import FINAL
from darkroom.up.site import Site
from darkroom.up.start import STORE_URL
from darkroom.up.supervisor import WontStart

POLL_SECONDS = 0.1
END_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to break how often. Each fault waits a random part of `span_seconds` after the one before."""

    jobs: int = 40
    faults: int = 20
    steps: int = 20
    span_seconds: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """How it ended."""

    faults: int
    jobs: int
    succeeded: int
    pictures: int
    attempts: int
    seconds: float
    violations: list[str]

    @property
    def clean(self) -> bool:
        """Return whether every job succeeded exactly once and every invariant holds."""
        return self.jobs == self.succeeded == self.pictures and not self.violations


def endure(site: Site, fault: Callable[[Site], None], plan: Plan) -> Outcome:
    """Have jobs accepted while the fault strikes, wait for the last one, and check everything."""
    chance = random.Random(plan.seed)
    began = time.monotonic()
    accepted: list[str] = []
    for strike in range(1, plan.faults + 1):
        while len(accepted) * plan.faults < strike * plan.jobs:
            job = site.client.request_generation(prompt="a star", steps=plan.steps, seed=len(accepted))
            accepted.append(job["id"])
        time.sleep(chance.uniform(0, plan.span_seconds))
        fault(site)
    jobs = _ended(site, accepted)
    return Outcome(
        faults=plan.faults,
        jobs=len(jobs),
        succeeded=sum(job["status"] == "succeeded" for job in jobs),
        pictures=sum(len(job["images"]) for job in jobs),
        attempts=sum(job["attempt"] for job in jobs),
        seconds=time.monotonic() - began,
        violations=violations(site),
    )


def kill_worker(site: Site) -> None:
    """Kill the worker in the middle of a job, or wherever it is once all jobs have ended.

    Raises WontStart when no worker gets on with the jobs.
    """
    deadline = time.monotonic() + END_SECONDS
    seen = _steps(site)
    while (now := _steps(site)) and not now - seen:
        if time.monotonic() > deadline:
            raise WontStart("No worker gets on with the jobs.")
        time.sleep(POLL_SECONDS)
    if worker := leftovers.recorded(site.home / "run" / "worker.pid"):
        worker.kill()
        worker.wait()


def flush_store(site: Site) -> None:
    """Make the store forget everything."""
    with Redis.from_url((site.home / "run" / STORE_URL).read_text()) as store:
        store.flushall()


def violations(site: Site) -> list[str]:
    """Return what `check_invariants` finds broken."""
    answer = site.manage("check_invariants", "--json")
    if not answer.stdout:
        return [answer.stderr]
    return [each for check in json.loads(answer.stdout)["checks"] for each in check["violations"]]


def _steps(site: Site) -> set[tuple[str, int, int]]:
    """Return how far each unfinished job is, as (id, attempt, step): something new in it means that a worker works."""
    unfinished = (job for job in site.client.generations() if job["status"] not in FINAL)
    return {(job["id"], job["attempt"], job["progress"]["step"]) for job in unfinished}


def _ended(site: Site, accepted: list[str]) -> list[dict[str, Any]]:
    """Return the jobs once all have ended, or as they stand when that takes too long."""
    deadline = time.monotonic() + END_SECONDS
    while True:
        jobs = [site.client.generation(job_id) for job_id in accepted]
        if all(job["status"] in FINAL for job in jobs) or time.monotonic() > deadline:
            return jobs
        time.sleep(POLL_SECONDS)
