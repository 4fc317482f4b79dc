"""`manage.py install_lora FILE`: a LoRA for every tenant."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loras.services import lora_name, register_lora
from loras.weights.errors import LoraUnusable
from wire.errors import ApiError


class Command(BaseCommand):
    """Puts a LoRA file on the shelf."""

    help = "Offer a LoRA file to every tenant. The file is checked and copied; a changed file is a new version."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file and what there is to say of it."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", default="", help="what requests call it; the file's own name when absent")
        parser.add_argument("--title", default="")
        parser.add_argument("--trigger", action="append", default=[], help="a trigger word; may be given several times")
        parser.add_argument("--tag", action="append", default=[], help="may be given several times")
        parser.add_argument("--license", default="")

    def handle(self, *args: Any, file: Path, name: str, **options: Any) -> None:
        """Register the file and say what has become of it."""
        told = {
            "title": options["title"],
            "trigger_words": ", ".join(options["trigger"]),
            "tags": ", ".join(options["tag"]),
            "license": options["license"],
        }
        try:
            with file.open("rb") as opened:
                version, is_new = register_lora(opened, name or lora_name(file.name), told=told)
        except (LoraUnusable, ApiError, OSError) as error:
            raise CommandError(f"{file.name} is not installed: {error}") from error
        facts = f"rank {version.rank}, {version.size_bytes / 1e6:.1f} MB, AutoV2 {version.autov2}"
        verb = "Installed" if is_new else "Already there:"
        self.stdout.write(f"{verb} LoRA {version.lora.name}, version {version.number} ({facts}).")
