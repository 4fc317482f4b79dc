"""Who may knock? Everybody whom a route can tell apart, against one studio's objects."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from tenants.models import Membership, Tenant, User
from tenants.services import issue_key, open_tenant, revoke_key, suspend_tenant
from tests.matrix.routes import GENERATE, MANAGE, OPERATOR, READ, SIGNED_IN

MALFORMED = "sdx_live_" + "x" * 36
ROLES = {
    Membership.Role.VIEWER: {READ},
    Membership.Role.MEMBER: {READ, GENERATE, "train"},
    Membership.Role.ADMIN: {READ, GENERATE, "train", MANAGE},
    Membership.Role.OWNER: {READ, GENERATE, "train", MANAGE},
}


@dataclass
class Principal:
    """Somebody who knocks: what they may, and how they are refused otherwise."""

    name: str
    client: Client
    scopes: frozenset[str] = frozenset()
    refused: str = ""  # the code with which the API refuses whatever they ask
    is_foreign: bool = False
    is_program: bool = False

    def may(self, wanted: str) -> bool:
        """Return whether they may do what wants this."""
        return wanted in self.scopes


def everybody(tenant: Tenant, stranger: Tenant) -> list[Principal]:
    """Return all principals: a studio's own, another's three, and those who have none."""
    return [
        Principal("none", _client(), refused="missing_api_key"),
        Principal("malformed key", _client(MALFORMED), refused="invalid_api_key", is_program=True),
        _with_bad_key("expired key", tenant, "api_key_expired", expires_at=timezone.now() - timedelta(seconds=1)),
        _with_bad_key("revoked key", tenant, "api_key_revoked", then=revoke_key),
        *(_with_key(tenant, scope) for scope in (READ, GENERATE, "train", MANAGE)),
        *(_member(tenant, role) for role in ROLES),
        _with_key(stranger, READ, GENERATE, "train", MANAGE, is_foreign=True),
        _member(stranger, Membership.Role.MEMBER, is_foreign=True),
        _member(stranger, Membership.Role.ADMIN, is_foreign=True),
        *_suspended(),
        _operator(),
    ]


def _client(secret: str = "") -> Client:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return Client(headers=headers, raise_request_exception=False)


def _signed_in(user: User) -> Client:
    client = _client()
    client.force_login(user)
    return client


def _with_key(tenant: Tenant, *scopes: str, is_foreign: bool = False) -> Principal:
    _, secret = issue_key(tenant, "program", scopes=scopes)
    name = f"{'foreign ' if is_foreign else ''}key to {' and '.join(scopes)}"
    return Principal(name, _client(secret), frozenset(scopes), is_foreign=is_foreign, is_program=True)


def _with_bad_key(
    name: str, tenant: Tenant, code: str, *, then: Callable[[Any], Any] = lambda key: None, **told: Any
) -> Principal:
    key, secret = issue_key(tenant, name, **told)
    then(key)
    return Principal(name, _client(secret), refused=code, is_program=True)


def _member(tenant: Tenant, role: str, *, is_foreign: bool = False) -> Principal:
    user = User.objects.create_user(f"{role}-{tenant.pk}@example.com", "correct horse")
    Membership.objects.create(tenant=tenant, user=user, role=role)
    scopes = frozenset(ROLES[Membership.Role(role)] | {SIGNED_IN})
    return Principal(f"{'foreign ' if is_foreign else ''}{role}", _signed_in(user), scopes, is_foreign=is_foreign)


def _suspended() -> list[Principal]:
    user = User.objects.create_user("dora@example.com", "correct horse")
    tenant = open_tenant("closed studio", user)
    _, secret = issue_key(tenant, "program")
    suspend_tenant(tenant)
    session = Principal("suspended owner", _signed_in(user), frozenset({SIGNED_IN}), refused="account_suspended")
    return [
        session,
        Principal("suspended key", _client(secret), refused="account_suspended", is_program=True),
    ]


def _operator() -> Principal:
    """An operator, who has no tenant: the console is theirs, the tenants' routes are not."""
    user = User.objects.create_superuser("olga@example.com", "correct horse")
    return Principal("operator", _signed_in(user), frozenset({OPERATOR, SIGNED_IN}), refused="missing_api_key")
