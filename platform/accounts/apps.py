"""Registers the app with Django, and what it writes down with the signals of signing in."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People's accounts: how they sign up, sign in and prove that it is them."""

    name = "accounts"

    def ready(self) -> None:
        """Listen to who signs in: by name, since models are there only now."""
        import_module("accounts.recording")
