"""`manage.py torture`: is a job lost or done twice when web, worker, scheduler and store are killed all the time?"""

import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from darkroom.up.client import Refused, Unreachable
from darkroom.up.inbox import receiving
from darkroom.up.ordeal import Plan, endure
from darkroom.up.site import running_site
from darkroom.up.store import free_port
from darkroom.up.supervisor import WontStart
from darkroom.up.verdict import Outcome

# The ordeal never touches a database, store or bucket that somebody uses.
ELSEWHERE = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET", "DARKROOM_URL")
TELL_SECONDS = 5.0
STOPPED = 130  # what a shell says of a program that Ctrl-C ended


class Command(BaseCommand):
    """Kills processes under jobs that are accepted all the time, then counts."""

    help = "Kill web, worker, scheduler and store again and again while jobs are accepted, and check that none is lost."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --kills, and --seed, which says again whom to kill when."""
        parser.add_argument("--kills", type=int, default=100)
        parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))

    def handle(self, *args: Any, kills: int, seed: int, **options: Any) -> None:
        """Print a table; exit 1 unless every job ended exactly once."""
        home = settings.HOME / "torture"
        shutil.rmtree(home, ignore_errors=True)
        kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        self.told_at, self.far = 0.0, "nothing was killed yet"
        self.stdout.write(f"{kills} kills, drawn from seed {seed}.")
        self.stdout.flush()  # starting takes a while, and a pipe would keep this line until then
        try:
            outcome = self._endured(home, kept, Plan(kills=kills, seed=seed))
        except (WontStart, Refused, Unreachable, OSError) as error:
            raise CommandError(f"{error} The logs are in {home / 'logs'} (seed {seed}).") from error
        except KeyboardInterrupt:
            said = f"Stopped before anything was compared: {self.far} (seed {seed})."
            raise CommandError(said, returncode=STOPPED) from None
        self._table(outcome)
        if outcome.wrong:
            raise CommandError(f"Not every job ended exactly once (seed {seed}).")

    def _endured(self, home: Path, environment: dict[str, str], plan: Plan) -> Outcome:
        home.mkdir(parents=True)
        with receiving() as inbox, (home / "up.log").open("wb") as log:
            here = {"DARKROOM_LEASE_SECONDS": "3"} | environment | {"DARKROOM_WEBHOOK_HOSTS": inbox.host}
            with running_site(home, free_port(), here, log) as site:
                return endure(site, inbox, plan, self._progress)

    def _progress(self, text: str) -> None:
        """Note how far it is, and write it now and then."""
        self.far = text
        if time.monotonic() - self.told_at > TELL_SECONDS:
            self.told_at = time.monotonic()
            self.stdout.write(f"  {text}")
            self.stdout.flush()

    def _table(self, outcome: Outcome) -> None:
        cut_short = {
            "web": f"{outcome.requests} times an answer did not come, and was asked for again",
            "worker": f"{outcome.attempts} attempts at a job were cut short, and made again",
            "scheduler": f"{outcome.messages} webhooks were sent again, under the same id",
            "store": f"and it was emptied {outcome.flushes} times",
        }
        self.stdout.write(f"\n{'killed':<12}{'times':>6}")
        for name, said in cut_short.items():
            self.stdout.write(f"{name:<12}{outcome.kills[name]:>6}  {said}")
        self.stdout.write(f"{'all':<12}{outcome.kills.total():>6}  in {outcome.seconds:.0f} s\n")
        succeeded = len(outcome.jobs) - outcome.given_up
        self.stdout.write(
            f"{len(outcome.jobs)} jobs accepted: {succeeded} succeeded with {outcome.pictures} pictures, "
            f"{outcome.given_up} given up after three of their workers died, {len(outcome.wrong)} wrong."
        )
        for each in outcome.wrong:
            self.stdout.write(each)
