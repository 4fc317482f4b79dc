"""What do the tests of members ask, and how do they read the answers?"""

import re

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from tenants.models import AuditEvent, Membership

MEMBERS = "/api/v1/members"
INVITATIONS = "/api/v1/invitations"
JSON = "application/json"


def member(person) -> Membership:
    """Return this person's membership in their tenant as it is now."""
    return Membership.objects.get(tenant=person.tenant, user=person.user)


def promote(person, role: str) -> None:
    """Give a person a role without asking anybody."""
    Membership.objects.filter(pk=member(person).pk).update(role=role)


def give(person, target, role: str):
    """Let a person, signed in, give a target another role; return the answer."""
    return person.browser.patch(f"{MEMBERS}/{member(target).pk}", {"role": role}, content_type=JSON)


def remove(person, target):
    """Let a person, signed in, remove a target; return the answer."""
    return person.browser.delete(f"{MEMBERS}/{member(target).pk}")


def hand_over(person, target):
    """Let a person, signed in, transfer their ownership to a target; return the answer."""
    return person.browser.post(f"{MEMBERS}/{member(target).pk}/transfer", content_type=JSON)


def invite(person, email: str = "dora@example.com", **fields):
    """Let a person, signed in, invite somebody; return the answer."""
    return person.browser.post(INVITATIONS, {"email": email, **fields}, content_type=JSON)


def refusal(answer) -> tuple[int, str]:
    """Return status and code."""
    return answer.status_code, answer.json()["error"]["code"]


def bytes_of(page) -> bytes:
    """Return a page's bytes but for its forms' token, which is another each time."""
    return re.sub(rb'(?<=name="csrfmiddlewaretoken" value=")\w+', b"", page.content)


def mailed_path() -> str:
    """Return where the link in the newest mail leads, on this server."""
    return re.search(r"https?://[^/\s]+(/invitations/accept/\S+)", mail.outbox[-1].body).group(1)


def acts() -> list[tuple[str, str, str]]:
    """Return what the audit says was done but for signing in, oldest first: actor, action, subject."""
    done = AuditEvent.objects.exclude(action__startswith="sign_in.")
    return list(done.order_by("pk").values_list("actor", "action", "subject"))


class BrokenMail(BaseEmailBackend):
    """A mail server that is out of reach."""

    def send_messages(self, email_messages):
        """Fail as a refused connection does."""
        raise ConnectionRefusedError
