"""May those whose answers take long still have them? Asked for all of a process at once, however many they are."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from tenants.callers import Caller, check_key, check_tenant, no_key
from tenants.isolation import for_everybody
from tenants.models import ApiKey, Membership
from wire.errors import ApiError


@dataclass(frozen=True)
class Standing:
    """With what somebody came in: a key of a tenant, or the session of a member of it."""

    tenant_id: str
    key_id: str = ""
    user_id: int = 0
    session: str = field(default="", repr=False)
    password: str = field(default="", repr=False)  # hashed; another one ends every session


def standing_of(request: HttpRequest) -> Standing:
    """Return with what the caller of this request came in, which `caller_of` has found out."""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    if caller.key:
        return Standing(caller.tenant.pk, key_id=caller.key.pk)
    user = caller.user
    session = request.session.session_key or ""
    return (
        Standing(caller.tenant.pk, user_id=user.pk, session=session, password=user.password) if user else Standing("")
    )


def refusals(standings: Collection[Standing]) -> dict[Standing, ApiError]:
    """Return who may not come in any more, and why: one query for all keys, two for all sessions."""
    with for_everybody():
        known = _Known(standings)
    refused: dict[Standing, ApiError] = {}
    for standing in standings:
        try:
            known.check(standing)
        except ApiError as refusal:
            refused[standing] = refusal
    return refused


class _Known:
    """What the database knows of these standings now."""

    def __init__(self, standings: Collection[Standing]) -> None:
        keys = {each.key_id for each in standings if each.key_id}
        users = {each.user_id for each in standings if each.user_id}
        owned = ApiKey.objects.select_related("tenant").filter(pk__in=keys)
        members = Membership.objects.select_related("tenant", "user").filter(user__in=users)
        alive = Session.objects.filter(
            session_key__in={each.session for each in standings if each.session}, expire_date__gt=timezone.now()
        )
        # Django asks the database nothing for an empty list.
        self.keys = {key.pk: key for key in owned}
        self.members = {(member.tenant_id, member.user_id): member for member in members}
        self.sessions = set(alive.values_list("session_key", flat=True))

    def check(self, standing: Standing) -> None:
        """Raise ApiError unless the door would let them in now."""
        if standing.key_id:
            check_tenant(check_key(self.keys.get(standing.key_id)).tenant)
            return
        member = self.members.get((standing.tenant_id, standing.user_id))
        is_same = member is not None and member.user.is_active and member.user.password == standing.password
        if member is None or not is_same or standing.session not in self.sessions:
            raise no_key()
        check_tenant(member.tenant)
