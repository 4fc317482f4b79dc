"""Where do we differ from allauth? In who may sign up, in whose address counts as proven, in links and in mails."""

from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.addresses import belongs_to_another, is_vouched_for, vouch_for
from accounts.invited import invitation_of, way_back
from accounts.mail import deliver
from tenants.models import User
from wire.errors import ApiError

OURS = {
    "duplicate_email": "That is your address already.",
    "email_password_mismatch": "That e-mail and password do not fit together. Check both and try again.",
    "enter_current_password": "That is not your current password.",
    "incorrect_password": "That is not your password. Try again.",
    "rate_limited": "Too many codes were tried. Wait five minutes and try again.",
    "too_many_login_attempts": "Too many codes were tried. Wait five minutes and try again.",
}


class AccountAdapter(DefaultAccountAdapter):
    """allauth's decisions about accounts, made our way."""

    error_messages = {**DefaultAccountAdapter.error_messages, **OURS}

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Let in whom the operator lets in, and whoever was invited."""
        return settings.SIGN_UP or invitation_of(request) is not None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count nothing here: PatientBackend bounds guesses, and locks out nobody but who guesses."""

    def pre_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse | None:
        """Take the operator's word for an address before allauth asks for a proof of it."""
        if is_vouched_for(user):
            vouch_for(user)
        return super().pre_login(request, user, **facts)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Count the address as proven, unless somebody signs in with it already."""
        if belongs_to_another(email_address):
            self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt")
            return False
        return super().confirm_email(request, email_address)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Lead who was invited back to the invitation."""
        return way_back(request) or super().get_login_redirect_url(request)

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """Lead who was invited back to the invitation."""
        return way_back(request) or super().get_signup_redirect_url(request)

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Lead whoever is signed in to their account, others to the door."""
        return reverse("account" if self.request.user.is_authenticated else "sign_in")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Lead back to the account."""
        return reverse("account")

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return a link that starts with our own address, whatever Host the request claimed."""
        return settings.PUBLIC_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return a link that starts with our own address, whatever Host the request claimed."""
        uidb36, _, token = key.partition("-")
        return settings.PUBLIC_URL + reverse("account_reset_password_from_key", args=[uidb36, token])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail. Raises ApiError when the mail server does not take it."""
        ours = {"email": email, "site": settings.PUBLIC_URL, "sign_up": settings.SIGN_UP}
        deliver(self.render_mail(template_prefix, email, ours | context))

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell somebody what was changed. It is done by then, so a mail that cannot leave is logged and no more."""
        with suppress(ApiError):
            super().send_notification_mail(*args, **kwargs)
