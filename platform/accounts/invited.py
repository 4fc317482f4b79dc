"""Does somebody come through an invitation? Its page leaves the token in the session and wants them back."""

from urllib.parse import quote

from django.http import HttpRequest
from django.utils import timezone

from tenants import keys
from tenants.isolation import for_everybody
from tenants.models import Invitation

SESSION_KEY = "invitation"


def invitation_of(request: HttpRequest) -> Invitation | None:
    """Return the invitation that the session holds, while it can be accepted."""
    token = request.session.get(SESSION_KEY)
    if not token:
        return None
    with for_everybody():
        open_ones = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
        return open_ones.filter(digest=keys.digest(token)).first()


def is_invited(request: HttpRequest, email: str) -> bool:
    """Return whether the session holds an invitation for this address: whoever uses another cannot accept it."""
    invitation = invitation_of(request)
    return invitation is not None and invitation.email.lower() == email.lower()


def way_back(request: HttpRequest) -> str | None:
    """Return the address of the invitation's page, while the invitation can be accepted."""
    if invitation_of(request) is None:
        return None
    return f"/invitations/accept/{quote(request.session[SESSION_KEY], safe='')}"
