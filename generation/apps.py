"""Registers the app with Django."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    """Pictures from prompts."""

    name = "generation"
    verbose_name = "Generation"
