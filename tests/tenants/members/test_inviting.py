"""Who is invited gets a mail; its link holds what nobody else can read."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tenants.keys import digest
from tenants.members.invitations import MOST_OPEN
from tenants.models import Invitation
from tests.tenants.members.team import INVITATIONS, JSON, acts, invite, mailed_path, promote, refusal


def made_earlier(invitation_id: str, **ago: int) -> None:
    """Let an invitation have been sent so long ago."""
    invitation = Invitation.objects.get(pk=invitation_id)
    invitation.expires_at -= timedelta(**ago)
    invitation.save()


def resend(person, invitation_id: str):
    return person.browser.post(f"{INVITATIONS}/{invitation_id}/resend", content_type=JSON)


def test_an_invitation_goes_out_by_mail(alice, settings):
    settings.PUBLIC_URL = "https://pictures.example.com"
    answer = invite(alice, "Dora@Example.com", role="viewer")
    (letter,) = mail.outbox
    assert (answer.status_code, letter.to) == (201, ["dora@example.com"])
    assert "alice@example.com invites you to join alice's studio on Darkroom, as a viewer." in letter.body
    assert "https://pictures.example.com/invitations/accept/" in letter.body
    assert acts() == [("alice@example.com", "member.invited", "dora@example.com")]


def test_the_answer_tells_all_but_the_link(alice):
    shown = invite(alice).json()
    assert (shown["object"], shown["email"], shown["role"], shown["status"]) == (
        "invitation",
        "dora@example.com",
        "member",
        "open",
    )
    assert shown["invited_by"] == "alice@example.com"
    assert mailed_path().rpartition("/")[2] not in str(shown)


def test_only_the_digest_of_the_link_is_stored(alice):
    invite(alice)
    token = mailed_path().rpartition("/")[2]
    stored = str(Invitation.objects.values().get())
    assert token not in stored
    assert digest(token) in stored


def test_a_tenants_name_writes_no_header(alice):
    alice.tenant.name = "studio\nBcc: everybody@example.com"
    alice.tenant.save()
    assert invite(alice).status_code == 201
    assert mail.outbox[0].subject == "Join studio Bcc: everybody@example.com on Darkroom"


@pytest.mark.parametrize("spelling", ["dora@example.com", "DORA@example.com"])
def test_an_address_is_invited_once(alice, spelling):
    first = invite(alice).json()["id"]
    answer = invite(alice, spelling)
    assert (*refusal(answer), answer.json()["error"]["param"]) == (409, "already_invited", "email")
    assert first in answer.json()["error"]["message"]
    assert len(mail.outbox) == 1


def test_two_tenants_may_invite_the_same(alice, charlie):
    assert [invite(each).status_code for each in (alice, charlie)] == [201, 201]


def test_a_member_is_not_invited(alice, bob):
    assert refusal(invite(alice, "Bob@example.com")) == (409, "already_member")


def test_after_it_expired_the_address_is_invited_anew(alice):
    first = invite(alice).json()["id"]
    made_earlier(first, days=7)
    assert invite(alice).status_code == 201
    assert alice.browser.get(f"{INVITATIONS}/{first}").json()["status"] == "withdrawn"


def test_only_an_owner_invites_owners(alice, bob):
    promote(bob, "admin")
    assert refusal(invite(bob, role="owner")) == (403, "insufficient_role")
    assert refusal(alice.api.post(INVITATIONS, {"email": "d@example.com", "role": "owner"})) == (
        403,
        "insufficient_role",
    )
    assert invite(alice, role="owner").status_code == 201
    assert refusal(bob.browser.delete(f"{INVITATIONS}/{Invitation.objects.get().pk}")) == (403, "insufficient_role")


def test_a_key_invites_in_nobodys_name(alice):
    shown = alice.api.post(INVITATIONS, {"email": "dora@example.com"}).json()
    assert shown["invited_by"] is None
    assert mail.outbox[0].body.startswith("You are invited to join")


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_the_others_invite_nobody(bob, role):
    promote(bob, role)
    assert refusal(invite(bob)) == (403, "insufficient_scope")
    assert mail.outbox == []


@pytest.mark.parametrize("email", ["dora", "dora@", "a b@example.com", "dora@example.com\nBcc: x@example.com"])
def test_what_is_no_address_is_refused(alice, email):
    answer = invite(alice, email)
    assert (*refusal(answer), answer.json()["error"]["param"]) == (400, "invalid_value", "email")


def test_there_is_a_most_of_open_invitations(alice):
    later = timezone.now() + timedelta(days=1)
    Invitation.objects.bulk_create(
        Invitation(tenant=alice.tenant, email=f"{n}@example.com", digest=n, expires_at=later) for n in range(MOST_OPEN)
    )
    assert refusal(invite(alice)) == (409, "too_many_invitations")


def test_sent_again_it_has_a_new_link_and_the_old_one_is_void(alice, client):
    sent = invite(alice).json()
    old = mailed_path()
    made_earlier(sent["id"], hours=1)
    assert resend(alice, sent["id"]).json()["expires_at"] > sent["expires_at"]
    assert [client.get(path).status_code for path in (old, mailed_path())] == [404, 200]
    assert acts()[-1] == ("alice@example.com", "invitation.resent", "dora@example.com")


def test_an_expired_one_is_sent_again_too(alice):
    sent = invite(alice).json()["id"]
    made_earlier(sent, days=8)
    assert resend(alice, sent).json()["status"] == "open"


def test_nobodys_mailbox_is_flooded(alice):
    answer = resend(alice, invite(alice).json()["id"])
    assert refusal(answer) == (429, "sent_just_now")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert len(mail.outbox) == 1


def test_a_withdrawn_one_is_void_for_good(alice, client):
    sent = invite(alice).json()["id"]
    assert alice.browser.delete(f"{INVITATIONS}/{sent}").status_code == 204
    assert client.get(mailed_path()).status_code == 404
    assert [refusal(resend(alice, sent)), refusal(alice.browser.delete(f"{INVITATIONS}/{sent}"))] == [
        (409, "invitation_closed")
    ] * 2
    assert acts()[-1] == ("alice@example.com", "invitation.withdrawn", "dora@example.com")


def test_a_mail_that_cannot_be_sent_is_told_and_can_be_sent_again(alice, settings):
    settings.EMAIL_BACKEND = "tests.tenants.members.team.BrokenMail"
    assert refusal(invite(alice)) == (503, "mail_not_sent")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sent = Invitation.objects.get().pk
    made_earlier(sent, minutes=1)
    assert resend(alice, sent).status_code == 200
    assert len(mail.outbox) == 1
