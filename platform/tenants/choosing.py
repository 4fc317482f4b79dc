"""In which of their tenants does somebody work now? In the one that their session chose, or else their oldest.

One session, many tabs: what a tab shows may be of the tenant before. So whenever the tenant changes, the forms' token
does, and a form that was shown for one tenant is never taken for another.
"""

from collections.abc import MutableMapping
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from tenants.isolation import for_everybody
from tenants.models import Membership, User

CHOSEN = "tenant"  # the session's word for the tenant's id
Session = MutableMapping[str, Any]


def memberships_of(user: User) -> list[Membership]:
    """Return every membership of this user with its tenant, oldest first."""
    with for_everybody():
        return list(user.memberships.select_related("tenant", "user").order_by("created_at", "pk"))


def chosen(memberships: list[Membership], session: Session) -> Membership | None:
    """Return the one that the session chose, or the oldest."""
    wanted = session.get(CHOSEN)
    found = next((each for each in memberships if each.tenant_id == wanted), None)
    return found or next(iter(memberships), None)


def work_in(request: HttpRequest, tenant_id: str) -> None:
    """Let the session work in this tenant from now on, and refuse the forms that were shown for another."""
    before = request.session.get(CHOSEN)
    if before != tenant_id:
        request.session[CHOSEN] = tenant_id
    if before not in (None, tenant_id):
        rotate_token(request)
