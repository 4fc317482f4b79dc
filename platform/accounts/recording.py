"""Which acts around signing in does the audit remember? Django's and allauth's signals tell us when they happen."""

from collections.abc import Iterable
from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as factor_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as auth_signals
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.services import end_sessions
from tenants import audit
from tenants.isolation import for_everybody
from tenants.models import Tenant, User

ADDED = {Authenticator.Type.TOTP: "two_factor.enabled", Authenticator.Type.WEBAUTHN: "passkey.added"}
REMOVED = {Authenticator.Type.TOTP: "two_factor.disabled", Authenticator.Type.WEBAUTHN: "passkey.removed"}


@receiver(auth_signals.user_logged_in)
def signed_in(request: HttpRequest | None, user: User, **facts: Any) -> None:
    """Somebody came in."""
    _record("sign_in.succeeded", user, request)


@receiver(auth_signals.user_login_failed)
def not_signed_in(credentials: dict[str, Any], request: HttpRequest | None = None, **facts: Any) -> None:
    """A wrong password came for an address; only those that we know have an owner to tell."""
    typed = credentials.get("email") or credentials.get("username")
    user = User.objects.filter(email=User.normalize_username(str(typed or ""))).first()
    if user is not None:
        _record("sign_in.failed", user, request, {"with": "password"})


@receiver(factor_signals.authentication_failed)
def not_proven(request: HttpRequest, user: User, authenticator: Authenticator, **facts: Any) -> None:
    """A wrong code came after the right password."""
    _record("sign_in.failed", user, request, {"with": str(authenticator.type)})


@receiver(auth_signals.user_logged_out)
def signed_out(request: HttpRequest, user: User | None, **facts: Any) -> None:
    """Somebody left."""
    if user is not None:
        _record("sign_in.ended", user, request)


@receiver([account_signals.password_changed, account_signals.password_set, account_signals.password_reset])
def password_changed(request: HttpRequest, user: User, **facts: Any) -> None:
    """Somebody has another password; the sessions begun with the old one are over."""
    _record("password.changed", user, request)
    end_sessions(user, but=request.session.session_key if request.user == user else None)


@receiver(account_signals.email_changed)
def email_changed(request: HttpRequest, user: User, from_email_address: Any, **facts: Any) -> None:
    """Somebody has another address; the first one, which a newcomer has confirmed, changed nothing."""
    if from_email_address is None:
        _record("email.confirmed", user, request)
    else:
        _record("email.changed", user, request, {"from": from_email_address.email})


@receiver(factor_signals.authenticator_added)
def factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **facts: Any) -> None:
    """Somebody has one more factor; recovery codes come along with the first."""
    if action := ADDED.get(authenticator.type):
        _record(action, user, request, {"name": str(authenticator)})


@receiver(factor_signals.authenticator_removed)
def factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **facts: Any) -> None:
    """Somebody has one factor less."""
    if action := REMOVED.get(authenticator.type):
        _record(action, user, request, {"name": str(authenticator)})


@receiver(factor_signals.authenticator_reset)
def codes_renewed(request: HttpRequest, user: User, **facts: Any) -> None:
    """Somebody has other recovery codes."""
    _record("recovery_codes.renewed", user, request)


def _record(action: str, user: User, request: HttpRequest | None, detail: dict[str, Any] | None = None) -> None:
    """Write it down for each of their tenants. Nobody's caller is known yet while somebody signs in."""
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    with for_everybody(), transaction.atomic():
        for tenant in _tenants_of(user):
            audit.record(action, tenant=tenant, actor=user.email, subject=user.email, detail=detail, address=address)


def _tenants_of(user: User) -> Iterable[Tenant | None]:
    """Return whom it concerns; somebody without a tenant concerns the operator alone."""
    return list(user.tenants.order_by("pk")) or [None]
