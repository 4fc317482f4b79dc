"""What do second factors ask for? allauth's forms in our words, which refuse what is no passkey."""

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as code_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms

from accounts.forms import Plain

NAME_LENGTH = 60
# What parsing a made-up answer of a device may raise: base64, JSON, CBOR and keys lie in each other.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, NotImplementedError, struct.error)
TELL_APART = "To tell your passkeys apart."
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

    name = forms.CharField(label="Name", required=False, max_length=NAME_LENGTH, help_text=TELL_APART)
    passwordless = forms.BooleanField(
        label="Sign in with it alone, without the password", required=False, initial=True, help_text=ALONE
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what is no new passkey."""
        try:
            return super().clean()
        except MALFORMED:
            raise get_adapter().validation_error("incorrect_code") from None


class Held:
    """The answer of a passkey that somebody has."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey; refuse what comes from none."""
        try:
            return super().clean_credential()  # type: ignore[misc]
        except MALFORMED:
            raise get_adapter().validation_error("incorrect_code") from None


class SignInPasskeyForm(Held, passkey_forms.LoginWebAuthnForm):
    """A passkey instead of the password."""


class SecondPasskeyForm(Held, passkey_forms.AuthenticateWebAuthnForm):
    """A passkey after the password."""


class ConfirmPasskeyForm(Held, passkey_forms.ReauthenticateWebAuthnForm):
    """A passkey before something that matters."""


class RenamePasskeyForm(Plain, passkey_forms.EditWebAuthnForm):
    """Another name for a passkey."""

    name = forms.CharField(label="Name", max_length=NAME_LENGTH)
