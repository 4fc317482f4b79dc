"""Registers the app with Django."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Jobs, their events and the workers."""

    name = "jobs"
    verbose_name = "Jobs"
