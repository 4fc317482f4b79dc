"""`manage.py install_checkpoint SOURCE`: a checkpoint for every tenant."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loras.installing import install_checkpoint
from loras.weights.errors import CheckpointUnusable


class Command(BaseCommand):
    """Puts a checkpoint on the shelf."""

    help = "Offer a base checkpoint or a refiner to every tenant. It stays where it is; workers must see it there."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the source and what there is to say of it."""
        parser.add_argument("source", help="a diffusers folder, a .safetensors file or a hub id (owner/name)")
        parser.add_argument("--name", default="", help="what requests call it; the source's own name when absent")
        parser.add_argument("--default", action="store_true", help="for requests that name no checkpoint")

    def handle(self, *args: Any, source: str, name: str, default: bool, **options: Any) -> None:
        """Install it and say what has become of it."""
        try:
            checkpoint, is_new = install_checkpoint(source, name, default=default)
        except CheckpointUnusable as error:
            raise CommandError(str(error)) from error
        verb = "Installed" if is_new else "Updated"
        self.stdout.write(f"{verb} {checkpoint.kind} checkpoint {checkpoint.name}: {checkpoint.source}.")
        if default:
            self.stdout.write(
                "It is the default until a worker starts; "
                f"with DARKROOM_CHECKPOINT={checkpoint.source} it stays the default."
            )
