"""What do all pages know of whoever looks at them? Their tenant, their other ones, and what their role may do."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.callers import ROLE_SCOPES
from tenants.choosing import chosen, memberships_of
from tenants.models import Membership, Scope, User


@dataclass(frozen=True)
class Tenancy:
    """Under which membership somebody works, and which others they could change to."""

    member: Membership | None
    others: list[Membership]

    @property
    def may_generate(self) -> bool:
        """Return whether the role may make pictures, or only look at them."""
        return self._may(Scope.GENERATE)

    @property
    def may_manage(self) -> bool:
        """Return whether the role may manage members."""
        return self._may(Scope.MANAGE)

    def _may(self, scope: str) -> bool:
        return self.member is not None and scope in ROLE_SCOPES[self.member.role]


def tenancy(request: HttpRequest) -> dict[str, Any]:
    """Return it for templates; the database is asked when one of them uses it."""
    return {"tenancy": SimpleLazyObject(partial(_tenancy, request))}


def _tenancy(request: HttpRequest) -> Tenancy:
    if not isinstance(request.user, User):
        return Tenancy(None, [])
    memberships = memberships_of(request.user)
    member = chosen(memberships, request.session)
    return Tenancy(member, [each for each in memberships if each != member])
