"""Registers the app with Django."""

from django.apps import AppConfig


class LorasConfig(AppConfig):
    """The shelf of weights."""

    name = "loras"
    verbose_name = "Weights"
