"""The dashboard's doors into a tenant: accept an invitation; change to another tenant of one's own."""

from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods, require_POST

from tenants.choosing import memberships_of, work_in
from tenants.members.invitations import accept, open_invitation
from tenants.models import User
from wire.errors import ApiError, missing

INVITED = "invitation"  # the session's word for the secret with which somebody came who is not signed in


@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation to whoever has its link, and let whom it is for join."""
    invitation = open_invitation(token)
    if invitation is None:
        return _closed(request)
    user = request.user if isinstance(request.user, User) else None
    is_yours = user is not None and user.email == invitation.email
    if user and is_yours and request.method == "POST":
        return _join(request, user, token)
    if user is None:
        request.session[INVITED] = token
    sign_in = f"{resolve_url(settings.LOGIN_URL)}?next={quote(request.path)}"
    context = {"invitation": invitation, "is_yours": is_yours, "sign_in": sign_in}
    return render(request, "members/invitation.html", context)


def _join(request: HttpRequest, user: User, token: str) -> HttpResponse:
    member = accept(user, token)
    if member is None:
        return _closed(request)
    request.session.pop(INVITED, None)
    work_in(request, member.tenant_id)
    messages.success(request, f"You are a member of {member.tenant.name} now.")
    return redirect("create")


def _closed(request: HttpRequest) -> HttpResponse:
    """Answer alike whether the link is used, withdrawn, expired or made up."""
    request.session.pop(INVITED, None)
    return render(request, "members/no_invitation.html", status=404)


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Work in another of one's tenants from now on. Also the way out of a suspended one."""
    if not isinstance(request.user, User):
        raise ApiError(401, "missing_api_key", "Sign in first.")
    wanted = request.POST.get("tenant", "")
    if wanted not in [each.tenant_id for each in memberships_of(request.user)]:
        raise missing()
    work_in(request, wanted)
    return redirect("create")
