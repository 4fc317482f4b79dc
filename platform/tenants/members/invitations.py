"""How does somebody join? By the link in a mail, good for seven days; of its secret only the digest is stored."""

import secrets
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants.audit import record
from tenants.callers import Caller
from tenants.isolation import for_everybody
from tenants.keys import digest
from tenants.members.letters import send
from tenants.members.roles import check_may_manage
from tenants.members.services import alone, hold
from tenants.models import Invitation, Membership, Tenant, User
from wire.errors import ApiError
from wire.finding import named

LIFETIME = timedelta(days=7)
PAUSE = timedelta(minutes=1)  # between two mails to one address
MOST_CHARS = 254
MOST_OPEN = 100  # nobody sends mail to the whole world through us


def find_invitation(tenant: Tenant, invitation_id: str) -> Invitation:
    """Return this tenant's invitation. Raises ApiError: another's looks like none."""
    owned = Invitation.objects.for_tenant(tenant).select_related("invited_by", "tenant")
    return named(owned, invitation_id, "inv")


def invite(caller: Caller, email: str, role: str) -> Invitation:
    """Offer somebody a membership and mail them the link. Raises ApiError, also when the mail cannot be sent."""
    token = secrets.token_urlsafe(32)
    with alone(caller) as power:
        check_may_manage(power, role)
        invitation = Invitation(tenant=caller.tenant, email=_spelled(email), role=role)
        _make_room(invitation)
        invitation.digest, invitation.expires_at = digest(token), timezone.now() + LIFETIME
        invitation.invited_by = caller.user
        invitation.save(force_insert=True)
        _note(caller, "member.invited", invitation)
        transaction.on_commit(partial(send, invitation, token))
    return invitation


def _spelled(email: str) -> str:
    """Return an address in its one spelling. Raises ApiError for one that no mail reaches.

    Validators take "\u0130" for an i; in lower case it is two characters, which neither mail nor the column may hold.
    """
    spelled = User.normalize_username(email)
    if len(spelled) > MOST_CHARS or not spelled.partition("@")[0].isascii():
        message = "email must be an e-mail address, like name@example.com, with plain letters before the @."
        raise ApiError(400, "invalid_value", message, param="email")
    return spelled


def _make_room(invitation: Invitation) -> None:
    """Refuse who is a member or invited already; withdraw an invitation that expired."""
    tenant, email = invitation.tenant, invitation.email
    if Membership.objects.for_tenant(tenant).filter(user__email=email).exists():
        raise ApiError(409, "already_member", f"{email} is a member of this tenant already.", param="email")
    unused = Invitation.objects.for_tenant(tenant).filter(accepted_at=None, withdrawn_at=None)
    unused.filter(email=email, expires_at__lte=timezone.now()).update(withdrawn_at=timezone.now())
    if before := unused.filter(email=email).first():
        message = f"{email} is invited already. Send that invitation ({before.pk}) again, or withdraw it first."
        raise ApiError(409, "already_invited", message, param="email")
    if unused.filter(expires_at__gt=timezone.now()).count() >= MOST_OPEN:
        message = f"{MOST_OPEN} invitations are open, the most there may be. Withdraw some, or wait until they expire."
        raise ApiError(409, "too_many_invitations", message)


def resend(caller: Caller, invitation_id: str) -> Invitation:
    """Mail a new link, good for seven days from now; the old one is void. Raises ApiError."""
    token = secrets.token_urlsafe(32)
    with alone(caller) as power:
        invitation = find_invitation(caller.tenant, invitation_id)
        check_may_manage(power, invitation.role)
        _check_pause(invitation)
        invitation.digest, invitation.expires_at = digest(token), timezone.now() + LIFETIME
        _change(invitation, digest=invitation.digest, expires_at=invitation.expires_at)
        _note(caller, "invitation.resent", invitation)
        transaction.on_commit(partial(send, invitation, token))
    return invitation


def _check_pause(invitation: Invitation) -> None:
    wait = invitation.expires_at - LIFETIME + PAUSE - timezone.now()
    if invitation.status == "open" and wait > timedelta():
        seconds = str(wait.seconds + 1)
        message = f"A mail was sent to {invitation.email} just now. Try again in {seconds} s."
        raise ApiError(429, "sent_just_now", message, retry_after=seconds)


def withdraw(caller: Caller, invitation_id: str) -> None:
    """Make an invitation's link void. Raises ApiError."""
    with alone(caller) as power:
        invitation = find_invitation(caller.tenant, invitation_id)
        check_may_manage(power, invitation.role)
        _change(invitation, withdrawn_at=timezone.now())
        _note(caller, "invitation.withdrawn", invitation)


def _change(invitation: Invitation, **fields: Any) -> None:
    """Change an invitation, unless it was accepted or withdrawn, perhaps at this very moment. Raises ApiError."""
    unused = Invitation.objects.for_tenant(invitation.tenant).filter(accepted_at=None, withdrawn_at=None)
    if unused.filter(pk=invitation.pk).update(**fields) != 1:
        message = f"This invitation was accepted or withdrawn. Invite {invitation.email} anew if need be."
        raise ApiError(409, "invitation_closed", message)


def open_invitation(token: str) -> Invitation | None:
    """Return the invitation to which this link leads, None if it never did or does no more."""
    with for_everybody():
        served = Invitation.objects.select_related("tenant", "invited_by").filter(tenant__suspended_at=None)
        invitation: Invitation | None = served.filter(digest=digest(token)).first()
    return invitation if invitation and invitation.status == "open" else None


def accept(user: User, token: str) -> Membership | None:
    """Make the invited user a member; None when the link leads nowhere any more, or is somebody else's.

    Who has become a member by another way keeps the role that they have.
    """
    invitation = open_invitation(token)
    if invitation is None:
        return None
    with for_everybody(), transaction.atomic():
        hold(invitation.tenant)
        now = timezone.now()
        unused = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)
        if unused.filter(digest=digest(token), email=user.email).update(accepted_at=now) != 1:
            return None
        tenant, role = invitation.tenant, invitation.role
        members = Membership.objects.select_related("tenant")
        member, is_new = members.get_or_create(tenant=tenant, user=user, defaults={"role": role})
        if is_new:
            record("member.joined", tenant=tenant, actor=user.email, subject=user.email, detail={"role": role})
    return member


def _note(caller: Caller, action: str, invitation: Invitation) -> None:
    detail = {"invitation": invitation.pk, "role": invitation.role}
    record(action, tenant=caller.tenant, actor=caller.actor, subject=invitation.email, detail=detail)
