"""What does signing in ask for?"""

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """E-mail address and password."""

    username = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )

    error_messages = {
        "invalid_login": "That e-mail and password do not fit together. Check both and try again.",
        "inactive": "This account was closed. Ask the operator of this server.",
    }
