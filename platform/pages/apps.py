"""Registers the app with Django."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The shared part of the dashboard."""

    name = "pages"
