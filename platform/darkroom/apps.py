"""Registers the roof with Django, for its commands."""

from django.apps import AppConfig


class DarkroomConfig(AppConfig):
    """The commands that run everything."""

    name = "darkroom"
