"""The verbs of accounts: move in after signing up, sign out everywhere else, take somebody's second factors off."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from tenants import audit
from tenants.isolation import for_everybody
from tenants.models import Tenant, User
from tenants.services import open_tenant
from wire.errors import missing


def move_in(user: User) -> Tenant:
    """Open a tenant of their own for somebody who has just signed up."""
    name = user.email.partition("@")[0][:80]
    with for_everybody(), transaction.atomic():
        tenant = open_tenant(f"{name}'s studio", user)
        audit.record("tenant.opened", tenant=tenant, actor=user.email, subject=tenant.pk)
    return tenant


def move_in_again(user: User) -> None:
    """Open a tenant of their own for somebody who belongs to none any more, as if they signed up. Raises ApiError."""
    if not settings.SIGN_UP:
        raise missing()
    with for_everybody(), transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # a second click waits here, and finds the tenant
        if not user.memberships.exists():
            move_in(user)


def end_sessions(user: User, *, but: str | None = None) -> int:
    """Sign somebody out everywhere, except in the session with this key. Returns in how many places."""
    with transaction.atomic():
        others = UserSession.objects.filter(user=user).exclude(session_key=but or "")
        keys = list(others.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=keys).delete()
        others.delete()
    return len(keys)


def remove_second_factors(user: User, *, operator: User) -> None:
    """Let somebody who has lost their phone and their codes sign in by password again."""
    with for_everybody(), transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=user).delete()
        for tenant in user.tenants.all() if removed else ():
            audit.record("two_factor.disabled", tenant=tenant, actor=f"operator {operator.email}", subject=user.email)
