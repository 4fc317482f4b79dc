"""Who is asking? An API key or a signed-in member, and either way one tenant."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone

from tenants import keys
from tenants.choosing import CHOSEN, Session, chosen, memberships_of, work_in
from tenants.isolation import for_everybody, speak_for
from tenants.models import ApiKey, Membership, Scope, Tenant, User, every_scope
from wire.errors import ApiError

SAFE = ("GET", "HEAD", "OPTIONS")
KEY_PARAMETERS = ("api_key", "apikey", "key", "access_token")
ROLE_SCOPES: dict[str, list[str]] = {
    Membership.Role.OWNER: every_scope(),
    Membership.Role.ADMIN: every_scope(),
    Membership.Role.MEMBER: [Scope.READ, Scope.GENERATE, Scope.TRAIN],
    Membership.Role.VIEWER: [Scope.READ],
}


@dataclass(frozen=True)
class Caller:
    """Who asks, for which tenant, and what they may do."""

    tenant: Tenant
    scopes: tuple[str, ...]
    key: ApiKey | None = None
    user: User | None = None

    # What DRF's permission classes ask of a user.
    is_authenticated = True

    @property
    def actor(self) -> str:
        """Return how the audit names who asks: a member's e-mail address or a key's id."""
        return self.user.email if self.user else self.key.pk if self.key else ""

    @property
    def checkpoints(self) -> list[str] | None:
        """Return the ids of the checkpoints that the key is limited to, None without such a limit."""
        return self.key.checkpoints if self.key else None

    @property
    def loras(self) -> list[str] | None:
        """Return the ids of the LoRAs that the key is limited to, None without such a limit."""
        return self.key.loras if self.key else None

    def require(self, scope: str) -> None:
        """Raise ApiError unless the caller may do this."""
        if scope not in self.scopes:
            raise ApiError(403, "insufficient_scope", self._lack(scope))

    def _lack(self, scope: str) -> str:
        if self.key:
            return f"This key lacks the scope '{scope}'. It has: {', '.join(self.scopes)}."
        able = ", ".join(role for role, scopes in ROLE_SCOPES.items() if scope in scopes)
        way_out = "An owner or admin of this tenant can give you another."
        return f"Your role may not do this. These may: {able}. {way_out}"


def caller_of(request: HttpRequest) -> Caller:
    """Return who is asking. Raises ApiError with 401 or 403. A key goes before a cookie."""
    if any(name in request.GET for name in KEY_PARAMETERS):
        message = "A key in a URL ends up in logs. Send it as 'Authorization: Bearer <key>', and replace this one."
        raise ApiError(400, "api_key_in_url", message)
    authorization = request.headers.get("Authorization")
    caller = _by_key(authorization) if authorization else _by_session(request)
    check_tenant(caller.tenant)
    request.caller = caller  # type: ignore[attr-defined]  # whoever is answered for long is asked again: standing.py
    return caller


def check_again(caller: Caller) -> None:
    """Raise ApiError where the caller may not come in any more: what they have asked for took a while."""
    tenant = _tenant_again(caller)
    check_tenant(tenant)
    caller.tenant.time_zone = tenant.time_zone  # or what they ask for would count for a day that is none of theirs now


def _tenant_again(caller: Caller) -> Tenant:
    if caller.key:
        return check_key(ApiKey.objects.select_related("tenant").filter(pk=caller.key.pk).first()).tenant
    members = Membership.objects.select_related("tenant").filter(tenant=caller.tenant)
    membership = members.filter(user=caller.user, user__is_active=True).first()
    if membership is None:
        raise no_key()
    return membership.tenant


def check_tenant(tenant: Tenant) -> None:
    """Raise ApiError where this tenant is not served."""
    if tenant.suspended_at:
        raise ApiError(403, "account_suspended", "This tenant is suspended. Ask the operator of this server.")


def check_key(key: ApiKey | None) -> ApiKey:
    """Return the key if it opens the door now. Raises ApiError."""
    if key is None:
        raise _refused("invalid_api_key", "There is no such key.")
    if key.revoked_at:
        raise _refused("api_key_revoked", "This key was revoked. Use another.")
    if key.expires_at and key.expires_at <= timezone.now():
        raise _refused("api_key_expired", f"This key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC.")
    return key


def no_key() -> ApiError:
    """Return the answer for whoever comes with neither a key nor a member's session."""
    return _refused("missing_api_key", "Send your key as 'Authorization: Bearer sdx_live_…'.")


def _by_key(authorization: str) -> Caller:
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not keys.is_well_formed(secret):
        raise _refused("invalid_api_key", "This is not a key of ours. Send 'Authorization: Bearer sdx_live_…'.")
    with for_everybody():
        found = ApiKey.objects.select_related("tenant").filter(digest=keys.digest(secret)).first()
    key = check_key(found)
    speak_for(key.tenant_id)
    _note_use(key)
    return Caller(tenant=key.tenant, scopes=tuple(key.scopes), key=key)


def _by_session(request: HttpRequest) -> Caller:
    user = getattr(request, "user", AnonymousUser())
    session = getattr(request, "session", {})
    membership = member_of(user, session) if isinstance(user, User) and user.is_active else None
    if membership is None:
        raise no_key()
    _check_same(request, membership)
    speak_for(membership.tenant_id)
    scopes = tuple(ROLE_SCOPES[membership.role])
    return Caller(tenant=membership.tenant, scopes=scopes, user=membership.user)


def _check_same(request: HttpRequest, membership: Membership) -> None:
    """Raise ApiError for a deed in a tenant that the caller has left: it was not meant for the one that they have."""
    session = getattr(request, "session", {})
    if session.get(CHOSEN, membership.tenant_id) != membership.tenant_id and request.method not in SAFE:
        message = f"You are no member of that tenant any more. Reload the page to work in {membership.tenant.name}."
        raise ApiError(409, "tenant_changed", message, x_should_retry="false")
    work_in(request, membership.tenant_id)


def member_of(user: User, session: Session | None = None) -> Membership | None:
    """Return the membership under which this user works: the one that the session chose, or else the oldest."""
    return chosen(memberships_of(user), {} if session is None else session)


def _note_use(key: ApiKey) -> None:
    """Remember that the key is in use; at most one write a minute."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _refused(code: str, message: str) -> ApiError:
    return ApiError(401, code, message, www_authenticate="Bearer")
