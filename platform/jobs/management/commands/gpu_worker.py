"""`manage.py gpu_worker`: run the waiting jobs on this machine's device."""

import logging
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

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
            self.stderr.write(self.style.ERROR(f"CommandError: {error}"))
            leave(1)
        leave(0)


def leave(code: int) -> None:
    """End the process now: a thread that hangs, in a store or on the device, would keep it and the GPU for ever."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
