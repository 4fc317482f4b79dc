"""Who may do what to whom? Owner, admin, member, viewer: nobody touches who stands above them, nor gives a higher role.

So owners manage everybody, admins manage everybody but owners, other admins included, and the rest nobody. A key that
may manage acts with an admin's power and never an owner's: whoever finds it cannot take the tenant over.
"""

from tenants.callers import Caller
from tenants.models import Membership
from wire.errors import ApiError

Role = Membership.Role
RANKS = (Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER)


def power_of(caller: Caller) -> str:
    """Return with which role the caller acts, as the database says now. Raises ApiError for who was just removed."""
    return Role.ADMIN if caller.key else own_membership(caller).role


def own_membership(caller: Caller) -> Membership:
    """Return the caller's membership as it is now. Raises ApiError for a key, and for who was just removed."""
    member: Membership | None = None
    if caller.user is not None:
        owned = Membership.objects.for_tenant(caller.tenant).select_related("user")
        member = owned.filter(user=caller.user).first()
    if member is None:
        raise ApiError(403, "not_a_member", "You are no member of this tenant. Sign in as one.")
    return member


def check_may_manage(power: str, role: str) -> None:
    """Raise ApiError unless whoever has this power may touch a member of this role, or give it."""
    if _rank(power) < _rank(Role.ADMIN):
        raise ApiError(403, "insufficient_role", f"Your role is {power}. Only owners and admins manage members.")
    if _rank(role) > _rank(power):
        message = "Only an owner, signed in, may make, change, invite or remove an owner."
        raise ApiError(403, "insufficient_role", message)


def may_manage(power: str, role: str) -> bool:
    """Return whether whoever has this power may touch a member of this role, or give it."""
    return role in roles_up_to(power)


def check_is_owner(power: str) -> None:
    """Raise ApiError unless this power is an owner's."""
    if power != Role.OWNER:
        raise ApiError(403, "insufficient_role", "Only an owner, signed in, may transfer ownership.")


def roles_up_to(power: str) -> list[str]:
    """Return the roles that whoever has this power may give, lowest first; none below an admin's."""
    return [str(role) for role in RANKS[: _rank(power) + 1]] if _rank(power) >= _rank(Role.ADMIN) else []


def _rank(role: str) -> int:
    return RANKS.index(Role(role))
