"""`manage.py demo_kill`: are jobs lost or done twice when the worker is killed, or the store forgets everything?"""

import os
import secrets
import shutil
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from darkroom.up.ordeal import Outcome, Plan, endure, flush_store, kill_worker
from darkroom.up.site import running_site
from darkroom.up.store import free_port

# The ordeal never touches a database, store or bucket that somebody uses.
ELSEWHERE = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET", "DARKROOM_URL")
HEADINGS = ("fault", "times", "jobs", "succeeded", "pictures", "attempts", "seconds", "violations")


class Command(BaseCommand):
    """Kills the worker 20 times under 40 jobs, then empties the store 20 times under 40 more."""

    help = "Accept 40 jobs while the worker is killed 20 times; the same while the store is emptied."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --seed, which makes the moments of the faults repeatable."""
        parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))

    def handle(self, *args: Any, seed: int, **options: Any) -> None:
        """Print a table; exit 1 unless every job succeeded exactly once."""
        home = settings.HOME / "demo-kill"
        shutil.rmtree(home, ignore_errors=True)
        kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        self.stdout.write(f"Breaking things at moments drawn from seed {seed}.")
        with running_site(home, free_port(), {"DARKROOM_LEASE_SECONDS": "3"} | kept) as site:
            killed = endure(site, kill_worker, Plan(span_seconds=2.0, seed=seed))
            flushed = endure(site, flush_store, Plan(span_seconds=1.0, seed=seed))
        self._row(HEADINGS)
        self._row(("kill -9 worker", *_figures(killed)))
        self._row(("FLUSHALL", *_figures(flushed)))
        for violation in [*killed.violations, *flushed.violations]:
            self.stdout.write(violation)
        if not (killed.clean and flushed.clean):
            raise CommandError(f"Not every job succeeded exactly once (seed {seed}).")

    def _row(self, cells: tuple[str, ...]) -> None:
        self.stdout.write(f"{cells[0]:<16}" + "".join(f"{cell:>11}" for cell in cells[1:]))


def _figures(outcome: Outcome) -> tuple[str, ...]:
    numbers = (outcome.faults, outcome.jobs, outcome.succeeded, outcome.pictures, outcome.attempts)
    return (*map(str, numbers), f"{outcome.seconds:.0f}", str(len(outcome.violations)))
