"""What do signing up, signing in and changing either ask for? allauth's forms in our words, with what they lack."""

from typing import Any

from allauth.account import forms as account_forms
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.core import context
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.invited import invitation_of, is_invited
from accounts.services import move_in
from tenants.models import User

ADDRESS_LENGTH = 254  # of the columns that hold addresses
PASSWORD_HELP = f"{settings.PASSWORD_LENGTH} characters or more; no common password, and nothing like your address."
ANOTHER_ADDRESS = "The invitation is for %(email)s. Sign up with that address."


class Plain:
    """No placeholders, which are labels that vanish, and short words for what is long-winded."""

    labels: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            if name == "password1":
                field.help_text = PASSWORD_HELP


class SignInForm(Plain, account_forms.LoginForm):
    """E-mail address and password."""

    labels = {"login": "E-mail"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs |= {"autofocus": True, "autocomplete": "username"}
        self.fields["password"].help_text = ""  # the page has its own way to a new password


class SignUpForm(Plain, account_forms.SignupForm):
    """E-mail address and password of somebody new; what an account brings with it is made in one transaction."""

    labels = {"email": "E-mail", "password1": "Password"}
    field_order = ["email", "password1"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if invitation := invitation_of(context.request):
            self.fields["email"].initial = invitation.email
        self.fields["email"].max_length = ADDRESS_LENGTH
        self.fields["email"].widget.attrs |= {"autofocus": True, "maxlength": ADDRESS_LENGTH}

    def clean_email(self) -> str:
        """Return the address. Where only the invited may sign up, it is the invited one."""
        email = super().clean_email()
        if len(email) > ADDRESS_LENGTH:
            raise ValidationError(f"An address has {ADDRESS_LENGTH} characters at most.")
        invitation = None if settings.SIGN_UP else invitation_of(context.request)
        if invitation and not is_invited(context.request, email):
            raise ValidationError(ANOTHER_ADDRESS, params={"email": invitation.email})
        return email

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Make the account, or answer as if: whether the address has one is nobody's business but its owner's."""
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])  # which is what takes time
            return super().try_save(request)
        try:
            return super().try_save(request)
        except IntegrityError:  # somebody signed up with the same address this very moment
            return None, prevent_enumeration(request, email=self.cleaned_data["email"])

    def save(self, request: HttpRequest) -> User:
        """Make the account and, unless it comes through its invitation, a tenant of its own."""
        with transaction.atomic():
            user: User = super().save(request)
            if not is_invited(request, user.email):
                move_in(user)
        return user


class EmailForm(Plain, account_forms.AddEmailForm):
    """The address that somebody wants to have instead."""

    labels = {"email": "New e-mail"}

    def clean_email(self) -> str:
        """Return the address, which fits into its column."""
        email = super().clean_email()
        if len(email) > ADDRESS_LENGTH:
            raise ValidationError(f"An address has {ADDRESS_LENGTH} characters at most.")
        return email


class ChangePasswordForm(Plain, account_forms.ChangePasswordForm):
    """The current password and another."""

    labels = {"oldpassword": "Current password", "password1": "New password", "password2": "New password again"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].help_text = ""


class SetPasswordForm(Plain, account_forms.SetPasswordForm):
    """A first password."""

    labels = {"password1": "New password", "password2": "New password again"}


class ResetForm(Plain, account_forms.ResetPasswordForm):
    """Whose password was forgotten?"""

    labels = {"email": "E-mail"}


class NewPasswordForm(Plain, account_forms.ResetPasswordKeyForm):
    """Another password, for whoever holds the mailed link."""

    labels = {"password1": "New password", "password2": "New password again"}


class ConfirmForm(Plain, account_forms.ReauthenticateForm):
    """The password again, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs["autofocus"] = True
