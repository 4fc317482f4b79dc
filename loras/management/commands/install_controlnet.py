"""`manage.py install_controlnet FOLDER`: a ControlNet for every tenant."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loras.installing import install_controlnet
from loras.models import ControlNet
from loras.weights.errors import CheckpointUnusable


class Command(BaseCommand):
    """Puts a ControlNet on the shelf."""

    help = "Offer a ControlNet to every tenant. Its folder is checked and stays where it is; workers must see it there."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the folder and what there is to say of it."""
        parser.add_argument("folder")
        parser.add_argument("--name", default="", help="what requests call it; the folder's own name when absent")
        parser.add_argument("--kind", default="", choices=ControlNet.Kind.values, help="guessed when absent")

    def handle(self, *args: Any, folder: str, name: str, kind: str, **options: Any) -> None:
        """Install it and say what has become of it."""
        try:
            controlnet, is_new = install_controlnet(folder, name, kind)
        except CheckpointUnusable as error:
            raise CommandError(str(error)) from error
        verb = "Installed" if is_new else "Updated"
        self.stdout.write(f"{verb} ControlNet {controlnet.name}: {controlnet.kind}, {controlnet.source}.")
