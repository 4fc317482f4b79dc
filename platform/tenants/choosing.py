"""In which of their tenants does somebody work now? In the one that their session chose, or else their oldest."""

from collections.abc import MutableMapping
from typing import Any

from tenants.isolation import for_everybody
from tenants.models import Membership, User

CHOSEN = "tenant"  # the session's word for the tenant's id
Session = MutableMapping[str, Any]


def memberships_of(user: User) -> list[Membership]:
    """Return every membership of this user with its tenant, oldest first."""
    with for_everybody():
        return list(user.memberships.select_related("tenant", "user").order_by("created_at", "pk"))


def chosen(memberships: list[Membership], session: Session) -> Membership | None:
    """Return the one that the session chose, or the oldest; a tenant that the user left is forgotten."""
    wanted = session.get(CHOSEN)
    found = next((each for each in memberships if each.tenant_id == wanted), None)
    if found is None and wanted is not None:
        del session[CHOSEN]
    return found or next(iter(memberships), None)
