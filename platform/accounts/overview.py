"""What is there to know about one's own account? Its address, its factors, and where it is signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.models import User

# The first that is found names it: Edge calls itself Chrome too, and Chrome calls itself Safari.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class Passkey:
    """A passkey as its owner knows it."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None
    alone: bool  # enough to sign in with, without the password


@dataclass(frozen=True)
class SignedIn:
    """One browser that is signed in."""

    where: str
    address: str
    since: datetime
    here: bool


@dataclass(frozen=True)
class Factors:
    """What an account asks for besides its password."""

    authenticator: bool
    passkeys: Sequence[Passkey]
    codes_left: int | None  # None: there are none, because there is no factor that they could stand in for


def factors_of(user: User) -> Factors:
    """Return somebody's second factors."""
    kept: dict[str, list[Authenticator]] = {kind: [] for kind in Authenticator.Type.values}
    for each in Authenticator.objects.filter(user=user).order_by("pk"):
        kept[each.type].append(each)
    codes = kept[Authenticator.Type.RECOVERY_CODES]
    return Factors(
        authenticator=bool(kept[Authenticator.Type.TOTP]),
        passkeys=[_passkey(each) for each in kept[Authenticator.Type.WEBAUTHN]],
        codes_left=len(codes[0].wrap().get_unused_codes()) if codes else None,
    )


def new_address_of(user: User) -> str:
    """Return the address that somebody wants to have and has not confirmed yet."""
    pending = EmailAddress.objects.get_new(user)
    return pending.email if pending and pending.email != user.email else ""


def sign_ins_of(user: User, session_key: str | None) -> list[SignedIn]:
    """Return where somebody is signed in, this browser first."""
    noted = list(UserSession.objects.filter(user=user).order_by("-created_at"))
    living = Session.objects.filter(
        session_key__in=[each.session_key for each in noted], expire_date__gt=timezone.now()
    )
    keys = set(living.values_list("session_key", flat=True))
    found = [
        SignedIn(described(each.user_agent), each.ip, each.created_at, here=each.session_key == session_key)
        for each in noted
        if each.session_key in keys
    ]
    return sorted(found, key=lambda each: not each.here)


def described(user_agent: str) -> str:
    """Return a browser's name as people know it: 'Firefox on Linux'."""
    browser = next((name for token, name in BROWSERS.items() if token in user_agent), "A browser")
    system = next((name for token, name in SYSTEMS.items() if token in user_agent), "")
    return f"{browser} on {system}" if system else browser


def _passkey(kept: Authenticator) -> Passkey:
    wrapped = kept.wrap()
    return Passkey(kept.pk, wrapped.name, kept.created_at, kept.last_used_at, bool(wrapped.is_passwordless))
