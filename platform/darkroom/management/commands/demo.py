"""`manage.py demo`: everything up, a page of pictures, everything down."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from darkroom import env
from darkroom.up.client import Refused, Unreachable
from darkroom.up.first_picture import NoPicture
from darkroom.up.showcase import make_page
from darkroom.up.site import running_site
from darkroom.up.store import free_port
from darkroom.up.supervisor import WontStart


class Command(BaseCommand):
    """Shows without a person that a picture can be asked for and got."""

    help = "Start everything, make a page of pictures through the public API, stop everything."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the pictures and a contact sheet to $DARKROOM_HOME/demo; exit 1 when one is missing."""
        folder = settings.HOME / "demo"
        port = env.number("PORT", free_port(), low=1, high=65535)
        try:
            with running_site(settings.HOME, port, dict(os.environ)) as site:
                page = make_page(site.client, folder, self._say)
        except (WontStart, NoPicture, Refused, Unreachable, OSError) as error:
            raise CommandError(str(error)) from error
        self._say(f"\n{len(page)} pictures and contact-sheet.png are in {folder}.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
