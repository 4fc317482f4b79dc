"""What does whoever is invited read? Plain text with a link that begins with our public address."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from tenants.models import Invitation
from wire.errors import ApiError

log = logging.getLogger(__name__)


def send(invitation: Invitation, token: str) -> None:
    """Mail the link that holds this secret. Raises ApiError; the invitation is kept then."""
    link = settings.PUBLIC_URL + reverse("accept_invitation", args=[token])
    subject = " ".join(f"Join {invitation.tenant.name} on Darkroom".split())
    text = render_to_string("members/invitation.txt", {"invitation": invitation, "link": link})
    try:
        send_mail(subject, text, None, [invitation.email])
    except (SMTPException, OSError):
        log.exception("the mail of invitation %s was not sent", invitation.pk)
        message = "The invitation is kept, but its mail could not be sent. Send it again in a minute."
        raise ApiError(503, "mail_not_sent", message, retry_after="60") from None
