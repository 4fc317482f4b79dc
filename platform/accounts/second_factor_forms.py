"""What do second factors ask for? allauth's forms in our words."""

from typing import Any

from allauth.mfa.base import forms as code_forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms

from accounts.forms import Plain

NAME_LENGTH = 60
ALONE = "Untick it for a security key without a PIN: it is asked for after the password then."


class Code(Plain):
    """One code, typed at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code"  # type: ignore[attr-defined]
        self.fields["code"].widget.attrs |= {"autofocus": True, "spellcheck": "false"}  # type: ignore[attr-defined]


class SignInCodeForm(Code, code_forms.AuthenticateForm):
    """A code of the app, or a recovery code, after the password."""


class ConfirmCodeForm(Code, code_forms.ReauthenticateForm):
    """A code before something that matters."""


class AuthenticatorForm(Code, ActivateTOTPForm):
    """The first code of an app, which shows that it has the secret."""


class AddPasskeyForm(Plain, passkey_forms.AddWebAuthnForm):
    """A new passkey and its name."""

    name = forms.CharField(label="Name", required=False, max_length=NAME_LENGTH, help_text="To tell your passkeys apart.")
    passwordless = forms.BooleanField(
        label="Sign in with it alone, without the password", required=False, initial=True, help_text=ALONE
    )


class RenamePasskeyForm(Plain, passkey_forms.EditWebAuthnForm):
    """Another name for a passkey."""

    name = forms.CharField(label="Name", max_length=NAME_LENGTH)
