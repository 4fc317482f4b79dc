"""`manage.py scheduler`: do the recurring chores."""

from typing import Any

from django.core.management.base import BaseCommand

from jobs.scheduler import run_forever


class Command(BaseCommand):
    """Starts the scheduler. Two of them do no harm."""

    help = "Requeue the jobs of dead workers and do the other recurring chores until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        """Tick."""
        run_forever()
