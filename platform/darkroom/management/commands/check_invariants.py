"""`manage.py check_invariants`: does everything that must always hold, hold now?"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import generation.invariants
import jobs.invariants
import loras.invariants
import quotas.invariants

INVARIANTS = [
    *quotas.invariants.INVARIANTS,
    *jobs.invariants.INVARIANTS,
    *loras.invariants.INVARIANTS,
    *generation.invariants.INVARIANTS,
]


class Command(BaseCommand):
    """Checks the invariants of every app."""

    help = "Check what must hold of jobs, pictures and files; exit 1 when something does not."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --json."""
        parser.add_argument("--json", action="store_true", help="answer one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each invariant with its violations."""
        report = [
            {"invariant": each.number, "promise": each.promise, "violations": list(each.violations())}
            for each in INVARIANTS
        ]
        broken = [row for row in report if row["violations"]]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not broken, "checks": report}, indent=2))
        else:
            for row in report:
                verdict = "broken" if row["violations"] else "holds "
                self.stdout.write(f"{verdict} {row['invariant']:4} {row['promise']}")
                for violation in row["violations"]:
                    self.stdout.write(f"         {violation}")
        if broken:
            raise CommandError(f"{len(broken)} invariants do not hold.")
