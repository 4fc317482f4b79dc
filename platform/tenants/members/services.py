"""The verbs of membership: change a role, remove, leave, transfer ownership; and a tenant's own name and time zone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from tenants.audit import record
from tenants.callers import Caller
from tenants.members.roles import Role, check_is_owner, check_may_manage, own_membership, power_of
from tenants.models import Membership, Tenant
from wire.errors import ApiError
from wire.finding import named


def find_member(tenant: Tenant, member_id: str) -> Membership:
    """Return this tenant's member. Raises ApiError: another's looks like none."""
    return named(Membership.objects.for_tenant(tenant).select_related("user"), member_id, "mem")


@contextmanager
def alone(caller: Caller) -> Iterator[str]:
    """Let a tenant's members change one at a time, and yield the caller's power as it is now."""
    with transaction.atomic():
        hold(caller.tenant)
        yield power_of(caller)


def hold(tenant: Tenant) -> None:
    """Keep others who hold this tenant waiting until the transaction ends; on SQLite every transaction does.

    Jobs, which refer to the tenant's row, are not kept waiting.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def change_role(caller: Caller, member_id: str, role: str) -> Membership:
    """Give a member another role. Raises ApiError."""
    with alone(caller) as power:
        member = find_member(caller.tenant, member_id)
        check_may_manage(power, member.role)
        check_may_manage(power, role)
        if member.role != role:
            _set_role(caller, member, role)
    return member


def _set_role(caller: Caller, member: Membership, role: str) -> None:
    _check_not_last_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])  # the tenant's row is held
    detail = {"from": before, "to": role}
    record("member.role_changed", tenant=caller.tenant, actor=caller.actor, subject=member.user.email, detail=detail)


def remove_member(caller: Caller, member_id: str) -> None:
    """End a membership: refused from the next request on. Keys that they made stay the tenant's. Raises ApiError."""
    with alone(caller) as power:
        member = find_member(caller.tenant, member_id)
        check_may_manage(power, member.role)
        _end(caller, member, "member.removed")


def leave(caller: Caller) -> None:
    """End the caller's own membership, whatever its role. Raises ApiError."""
    with alone(caller):
        _end(caller, own_membership(caller), "member.left")


def _end(caller: Caller, member: Membership, action: str) -> None:
    _check_not_last_owner(member)
    member.delete()
    detail = {"role": member.role}
    record(action, tenant=caller.tenant, actor=caller.actor, subject=member.user.email, detail=detail)


def transfer_ownership(caller: Caller, member_id: str) -> Membership:
    """Make a member an owner and the caller, who was one, an admin. Raises ApiError."""
    with alone(caller) as power:
        member = find_member(caller.tenant, member_id)
        check_is_owner(power)
        if member.user == caller.user:
            raise ApiError(409, "already_owner", "You are an owner already. Choose another member to transfer to.")
        owned = Membership.objects.for_tenant(caller.tenant)
        owned.filter(pk=member.pk).update(role=Role.OWNER)
        owned.filter(user=caller.user).update(role=Role.ADMIN)
        record("ownership.transferred", tenant=caller.tenant, actor=caller.actor, subject=member.user.email)
    member.role = Role.OWNER
    return member


def change_tenant(caller: Caller, *, name: str, time_zone: str) -> None:
    """Rename the tenant and let its days begin elsewhere. Raises ApiError, also when that would undo a limit."""
    with alone(caller) as power:
        check_may_manage(power, Role.ADMIN)
        tenant = Tenant.objects.get(pk=caller.tenant.pk)
        before, after = [tenant.name, tenant.time_zone], [name, time_zone]
        if time_zone != tenant.time_zone:
            check: Callable[[Tenant, str], None] = import_string(settings.TIME_ZONE_CHECK)
            check(tenant, time_zone)
        if after != before:
            Tenant.objects.filter(pk=tenant.pk).update(name=name, time_zone=time_zone)
            detail = {"from": before, "to": after}
            record("tenant.changed", tenant=tenant, actor=caller.actor, subject=tenant.pk, detail=detail)


def has_other_owner(member: Membership) -> bool:
    """Return whether somebody else, who can sign in, owns the tenant too."""
    owners = Membership.objects.for_tenant(member.tenant_id).filter(role=Role.OWNER, user__is_active=True)
    return owners.exclude(pk=member.pk).exists()


def _check_not_last_owner(member: Membership) -> None:
    if member.role == Role.OWNER and not has_other_owner(member):
        message = "A tenant needs an owner, and this is its last one. Make another member an owner first."
        raise ApiError(409, "last_owner", message)
