"""`manage.py up`: everything, from one command."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from darkroom.up.console import Console
from darkroom.up.home import AlreadyRunning
from darkroom.up.processes import PortTaken
from darkroom.up.signals import Signals, StopAsked
from darkroom.up.start import run
from darkroom.up.supervisor import WontStart


class Command(BaseCommand):
    """Runs the embedded store, the web server, one GPU worker and the scheduler until it is stopped."""

    help = "Run everything: embedded store, web server, one GPU worker, scheduler."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, and stay until Ctrl-C or SIGTERM."""
        try:
            run(Console(self.stdout), Signals())
        except (AlreadyRunning, PortTaken, WontStart) as error:
            raise CommandError(str(error)) from None
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from None
        except StopAsked:
            self.stdout.write("\nDarkroom has stopped.")
