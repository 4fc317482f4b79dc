"""Who is asking? An API key or a signed-in member, and either way one tenant."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone

from tenants import keys
from tenants.isolation import for_everybody, speak_for
from tenants.models import ApiKey, Membership, Scope, Tenant, User, every_scope
from wire.errors import ApiError

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

    def require(self, scope: str) -> None:
        """Raise ApiError unless the caller may do this."""
        if scope not in self.scopes:
            who = "This key lacks" if self.key else "Your role lacks"
            raise ApiError(403, "insufficient_scope", f"{who} the scope {scope!r}. It has: {', '.join(self.scopes)}.")


def caller_of(request: HttpRequest) -> Caller:
    """Return who is asking. Raises ApiError with 401 or 403. A key goes before a cookie."""
    if any(name in request.GET for name in KEY_PARAMETERS):
        message = "A key in a URL ends up in logs. Send it as 'Authorization: Bearer <key>', and replace this one."
        raise ApiError(400, "api_key_in_url", message)
    authorization = request.headers.get("Authorization")
    caller = _by_key(authorization) if authorization else _by_session(request)
    if caller.tenant.suspended_at:
        raise ApiError(403, "account_suspended", "This tenant is suspended. Ask the operator of this server.")
    return caller


def _by_key(authorization: str) -> Caller:
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not keys.is_well_formed(secret):
        raise _refused("invalid_api_key", "This is not a key of ours. Send 'Authorization: Bearer sdx_live_…'.")
    with for_everybody():
        key = ApiKey.objects.select_related("tenant").filter(digest=keys.digest(secret)).first()
    if key is None:
        raise _refused("invalid_api_key", "There is no such key.")
    if key.revoked_at:
        raise _refused("api_key_revoked", "This key was revoked. Use another.")
    if key.expires_at and key.expires_at <= timezone.now():
        raise _refused("api_key_expired", f"This key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC.")
    speak_for(key.tenant_id)
    _note_use(key)
    return Caller(tenant=key.tenant, scopes=tuple(key.scopes), key=key)


def _by_session(request: HttpRequest) -> Caller:
    user = getattr(request, "user", AnonymousUser())
    membership = None
    if isinstance(user, User) and user.is_active:
        with for_everybody():
            membership = member_of(user)
    if membership is None:
        raise _refused("missing_api_key", "Send your key as 'Authorization: Bearer sdx_live_…'.")
    speak_for(membership.tenant_id)
    scopes = tuple(ROLE_SCOPES[membership.role])
    return Caller(tenant=membership.tenant, scopes=scopes, user=membership.user)


def member_of(user: User) -> Membership | None:
    """Return the membership under which this user works: the oldest."""
    return user.memberships.select_related("tenant", "user").order_by("created_at", "pk").first()


def _note_use(key: ApiKey) -> None:
    """Remember that the key is in use; at most one write a minute."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _refused(code: str, message: str) -> ApiError:
    return ApiError(401, code, message, www_authenticate="Bearer")
