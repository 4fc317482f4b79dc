"""How does a mail leave? At once, through the operator's server, or into the log where there is none."""

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage

from wire.errors import ApiError

log = logging.getLogger(__name__)


def deliver(message: EmailMessage) -> None:
    """Hand a mail over. Raises ApiError when the mail server does not take it."""
    try:
        message.send()
    except (SMTPException, OSError) as error:
        log.warning("the mail server did not take a mail: %s", error)
        sentence = "The mail server does not take our mail right now. Try again in a few minutes."
        raise ApiError(503, "mail_unavailable", sentence, retry_after="300") from error
