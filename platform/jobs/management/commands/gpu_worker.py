"""`manage.py gpu_worker`: run the waiting jobs on this machine's device."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.lifecycle import JobFailed, WorkerUnfit
from jobs.worker import GpuWorker


class Command(BaseCommand):
    """Starts one GPU worker."""

    help = "Run the waiting jobs on this machine's device until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work; exit non-zero when the process must be replaced."""
        try:
            GpuWorker().work()
        except (JobFailed, WorkerUnfit) as error:
            raise CommandError(str(error)) from error
