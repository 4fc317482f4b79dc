"""The dashboard's doors to a tenant's members: who they are and what they may do, and who is invited."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from tenants.callers import Caller, caller_of
from tenants.members import invitations, joining, services, team
from tenants.members.forms import InviteForm, TenantForm
from tenants.members.roles import Role, own_membership, power_of
from tenants.models import Scope
from wire.errors import ApiError


@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest) -> HttpResponse:
    """Show the tenant's members; invite another."""
    caller = caller_of(request)
    if request.method != "POST":
        return _show(request, caller)
    caller.require(Scope.MANAGE)
    form = InviteForm(power_of(caller), request.POST)
    if not form.is_sent(caller):
        return _show(request, caller, status=422, invite_form=form)
    messages.success(request, f"A mail with a link is on its way to {form.cleaned_data['email']}.")
    return redirect("members")


def _show(request: HttpRequest, caller: Caller, *, status: int = 200, **forms: Any) -> HttpResponse:
    """Show all to whoever manages, and to others whom they can ask."""
    own = own_membership(caller) if caller.user else None
    if Scope.MANAGE not in caller.scopes and own is not None:
        return render(request, "members/glimpse.html", team.glimpse(caller, own))
    caller.require(Scope.MANAGE)
    context = team.whole(caller, own, power_of(caller), request.GET)
    return render(request, "members/members.html", context | forms, status=status)


@require_POST
def change_tenant(request: HttpRequest) -> HttpResponse:
    """Rename the tenant, or choose where its days begin."""
    caller = _manager(request)
    form = TenantForm(caller.tenant, request.POST)
    if not form.is_kept(caller):
        return _show(request, caller, status=422, tenant_form=form)
    messages.success(request, "Saved.")
    return redirect("members")


@require_POST
def change_role(request: HttpRequest, id: str) -> HttpResponse:
    """Give a member another role."""
    caller, role = _manager(request), request.POST.get("role")
    services.find_member(caller.tenant, id)
    if role not in Role.values:
        raise ApiError(400, "invalid_value", f"role must be one of: {', '.join(Role.values)}.", param="role")
    member = services.change_role(caller, id, role)
    messages.success(request, f"{member.user.email} is now: {member.get_role_display().lower()}.")
    return redirect("members")


@require_POST
def remove(request: HttpRequest, id: str) -> HttpResponse:
    """Remove a member."""
    services.remove_member(_manager(request), id)
    messages.success(request, "The member is removed.")
    return redirect("members")


@require_POST
def transfer(request: HttpRequest, id: str) -> HttpResponse:
    """Make somebody else an owner, and oneself an admin."""
    member = services.transfer_ownership(_manager(request), id)
    messages.success(request, f"{member.user.email} is an owner now, and you are an admin.")
    return redirect("members")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Leave the tenant."""
    caller = caller_of(request)
    services.leave(caller)
    messages.success(request, f"You have left {caller.tenant.name}.")
    return redirect("create")


@require_POST
def resend(request: HttpRequest, id: str) -> HttpResponse:
    """Send an invitation again."""
    invitation = invitations.resend(_manager(request), id)
    messages.success(request, f"A mail with a new link is on its way to {invitation.email}.")
    return redirect("members")


@require_POST
def withdraw(request: HttpRequest, id: str) -> HttpResponse:
    """Withdraw an invitation."""
    invitations.withdraw(_manager(request), id)
    messages.success(request, "The invitation is withdrawn; its link is void.")
    return redirect("members")


def _manager(request: HttpRequest) -> Caller:
    caller = caller_of(request)
    caller.require(Scope.MANAGE)
    return caller


urlpatterns = [
    path("settings/members", members, name="members"),
    path("settings/members/leave", leave, name="leave_tenant"),
    path("settings/members/<str:id>/role", change_role, name="change_role"),
    path("settings/members/<str:id>/remove", remove, name="remove_member"),
    path("settings/members/<str:id>/transfer", transfer, name="transfer_ownership"),
    path("settings/invitations/<str:id>/resend", resend, name="resend_invitation"),
    path("settings/invitations/<str:id>/withdraw", withdraw, name="withdraw_invitation"),
    path("settings/tenant", change_tenant, name="change_tenant"),
    path("invitations/accept/<str:token>", joining.accept_invitation, name="accept_invitation"),
    path("tenants/switch", joining.switch, name="switch_tenant"),
]
