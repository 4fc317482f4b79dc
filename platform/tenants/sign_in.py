"""Is this the right password? And has whoever asks guessed too often? Every page that takes one asks here."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tenants.models import FailedSignIn, User

ATTEMPTS = 10
WINDOW = timedelta(minutes=15)
TOO_OFTEN = "Too many wrong passwords came for this account from your address. Try again in 15 minutes."


class PatientBackend(ModelBackend):
    """Passwords, with a bound on guesses.

    Failures count for one account from one address: who guesses locks out nobody but their own address. They lie in the
    database, so the bound holds over all web processes. Requests sent at the same moment may pass it by a few guesses.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user, None for a wrong password. Raises ValidationError, which forms show, after too many.

        An address comes as `email` from the sign-in page and as `username` from Django's own forms.
        """
        username = username or kwargs.pop("email", None)
        account = User.normalize_username(username or "")[:254]
        address = request.META.get("REMOTE_ADDR", "")[:45] if request else ""
        failures = FailedSignIn.objects.filter(account=account, address=address)
        if _recent(failures).count() >= ATTEMPTS:
            raise ValidationError(TOO_OFTEN, code="too_many_attempts")
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is None:
            _remember(account, address)
        else:
            failures.delete()
        return user


def _recent(failures: QuerySet[FailedSignIn]) -> QuerySet[FailedSignIn]:
    return failures.filter(at__gt=timezone.now() - WINDOW)


def _remember(account: str, address: str) -> None:
    """Note a failure and forget all that no longer count, so that the table stays small."""
    FailedSignIn.objects.filter(at__lte=timezone.now() - WINDOW).delete()
    FailedSignIn.objects.create(account=account, address=address)
