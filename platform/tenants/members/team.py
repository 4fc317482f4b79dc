"""What does the members page show of each member and invitation? Only what would not be refused."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, When
from django.http import QueryDict

from tenants.callers import Caller
from tenants.members.forms import InviteForm, TenantForm, choices_up_to
from tenants.members.roles import RANKS, Role, may_manage
from tenants.members.services import has_other_owner
from tenants.models import ApiKey, Invitation, Membership, Tenant
from wire.paging import page

PER_PAGE = "50"


@dataclass(frozen=True)
class Row:
    """A member, and what whoever looks may do to them."""

    member: Membership
    is_you: bool
    may_change: bool
    may_receive: bool  # the ownership of whoever looks
    keys: int  # made by them and still good


def whole(caller: Caller, own: Membership | None, power: str, query: QueryDict) -> dict[str, Any]:
    """Return the page's context for somebody who manages; a handful of queries, however many members."""
    asked = query.copy()
    asked["limit"] = PER_PAGE
    found, has_more = page(Membership.objects.for_tenant(caller.tenant).select_related("user"), asked, "mem")
    return {
        "rows": _rows(caller, power, found),
        "older": found[-1].pk if has_more else None,
        "invitations": [(each, may_manage(power, each.role)) for each in _unused(caller.tenant)],
        "roles": choices_up_to(power),
        "invite_form": InviteForm(power),
        "tenant_form": TenantForm(caller.tenant),
        **leaving(own),
    }


def glimpse(caller: Caller, own: Membership) -> dict[str, Any]:
    """Return the page's context for a member who may not manage: whom they can ask."""
    managing = Membership.objects.for_tenant(caller.tenant).filter(role__in=[Role.OWNER, Role.ADMIN])
    return {"managing": _by_rank(managing.select_related("user"))[:10], **leaving(own)}


def leaving(own: Membership | None) -> dict[str, Any]:
    """Return who looks, and whether they may leave: the last owner may not."""
    return {"own": own, "may_leave": own is not None and (own.role != Role.OWNER or has_other_owner(own))}


def _rows(caller: Caller, power: str, members: list[Membership]) -> list[Row]:
    keys = _keys_made(caller.tenant, members)
    return [_row(caller, power, member, keys.get(member.user_id, 0)) for member in members]


def _row(caller: Caller, power: str, member: Membership, keys: int) -> Row:
    is_you = member.user == caller.user
    may_change = not is_you and may_manage(power, member.role)
    return Row(member, is_you, may_change, may_receive=may_change and power == Role.OWNER, keys=keys)


def _keys_made(tenant: Tenant, members: list[Membership]) -> dict[int, int]:
    made = ApiKey.objects.for_tenant(tenant).filter(revoked_at=None, created_by__in=[each.user_id for each in members])
    return dict(made.values_list("created_by").annotate(Count("pk")))


def _unused(tenant: Tenant) -> QuerySet[Invitation]:
    """Return the invitations that may still be sent again, the expired ones among them."""
    unused = Invitation.objects.for_tenant(tenant).filter(accepted_at=None, withdrawn_at=None)
    return unused.select_related("invited_by").order_by("-pk")


def _by_rank(members: QuerySet[Membership]) -> QuerySet[Membership]:
    ranks = [When(role=role, then=rank) for rank, role in enumerate(RANKS)]
    return members.order_by(Case(*ranks, output_field=IntegerField()).desc(), "pk")
