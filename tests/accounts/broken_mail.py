"""A mail server that takes nothing."""

from smtplib import SMTPServerDisconnected

from django.core.mail.backends.base import BaseEmailBackend


class NoMail(BaseEmailBackend):
    """Breaks off."""

    def send_messages(self, email_messages):
        """Raise what smtplib raises."""
        raise SMTPServerDisconnected("Connection unexpectedly closed")
