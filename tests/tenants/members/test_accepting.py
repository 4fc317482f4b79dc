"""Whoever the mail was for joins by one button; nobody else does."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Invitation, Membership, User
from tests.tenants.members.team import acts, bytes_of, invite, mailed_path, member

CLOSED = "This invitation is not open"
PASSWORD = "correct horse"


def page(browser: Client, path: str) -> str:
    return browser.get(path).content.decode()


def test_the_invited_join_and_work_there(alice, dora):
    invite(alice, role="viewer")
    assert "Join alice&#x27;s studio" in page(dora, mailed_path())
    answer = dora.post(mailed_path(), follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "You are a member of alice&#x27;s studio now." in answer.content.decode()
    assert Membership.objects.get(user__email="dora@example.com").role == "viewer"
    assert acts()[-1] == ("dora@example.com", "member.joined", "dora@example.com")


def test_looking_is_not_joining(alice, dora):
    invite(alice)
    page(dora, mailed_path())
    assert not Membership.objects.filter(user__email="dora@example.com").exists()


def test_who_has_another_tenant_is_led_into_the_new_one(alice, charlie):
    invite(alice, "charlie@example.com")
    assert "alice&#x27;s studio" in charlie.browser.post(mailed_path(), follow=True).content.decode()
    assert "Change to charlie&#x27;s studio" in page(charlie.browser, "/")


def test_somebody_elses_invitation_is_not_taken(alice, charlie):
    invite(alice)
    assert "You are signed in as charlie@example.com" in page(charlie.browser, mailed_path())
    assert "Join</button>" not in charlie.browser.post(mailed_path()).content.decode()
    assert not Membership.objects.filter(tenant=alice.tenant, user=charlie.user).exists()
    assert Invitation.objects.get().status == "open"


def test_signing_out_leads_back_to_the_invitation(alice, charlie):
    invite(alice)
    answer = charlie.browser.post("/sign-out", {"next": mailed_path()}, follow=True)
    assert "Sign in with that address" in answer.content.decode()


def test_who_is_not_signed_in_signs_in_and_comes_back(alice):
    User.objects.create_user("dora@example.com", PASSWORD)
    invite(alice)
    browser = Client()
    assert f'href="/sign-in?next={mailed_path()}"' in page(browser, mailed_path())
    form = {"login": "dora@example.com", "password": PASSWORD, "next": mailed_path()}
    assert "Join</button>" in browser.post("/sign-in", form, follow=True).content.decode()


def test_the_session_remembers_the_invitation_until_it_is_used(alice):
    user = User.objects.create_user("dora@example.com", PASSWORD)
    invite(alice)
    browser = Client()
    browser.get(mailed_path())
    assert browser.session["invitation"] == mailed_path().rpartition("/")[2]
    browser.login(username=user.email, password=PASSWORD)
    assert f'href="{mailed_path()}"' in page(browser, "/")
    browser.post(mailed_path())
    assert "invitation" not in browser.session


def test_nobody_joins_without_signing_in(alice):
    invite(alice)
    assert "Sign in with that address" in Client().post(mailed_path()).content.decode()
    assert Invitation.objects.get().status == "open"


def void(how: str, alice) -> str:
    """Return the path of a link that leads nowhere any more, or never did."""
    invite(alice)
    now = timezone.now()
    fields = {
        "expired": {"expires_at": now - timedelta(seconds=1)},
        "withdrawn": {"withdrawn_at": now},
        "used": {"accepted_at": now},
    }
    Invitation.objects.update(**fields.get(how, {}))
    return "/invitations/accept/" + "a" * 43 if how == "unknown" else mailed_path()


@pytest.mark.parametrize("how", ["expired", "withdrawn", "used", "unknown"])
def test_links_that_lead_nowhere_look_alike(alice, dora, how):
    path = void(how, alice)
    answers = [dora.get(path), dora.post(path)]
    nowhere = dora.get("/invitations/accept/x%00y")
    assert [answer.status_code for answer in answers] == [404, 404]
    assert CLOSED in nowhere.content.decode()
    assert {bytes_of(answer) for answer in answers} == {bytes_of(nowhere)}


def test_a_suspended_tenant_lets_nobody_in(alice, dora):
    invite(alice)
    alice.tenant.suspended_at = timezone.now()
    alice.tenant.save()
    assert CLOSED in dora.post(mailed_path()).content.decode()
    assert not Membership.objects.filter(user__email="dora@example.com").exists()


def test_who_became_a_member_otherwise_keeps_their_role(alice, dora):
    invite(alice, role="viewer")
    user = User.objects.get(email="dora@example.com")
    Membership.objects.create(tenant=alice.tenant, user=user, role="admin")
    dora.post(mailed_path())
    assert Membership.objects.get(user=user).role == "admin"
    assert Invitation.objects.get().status == "accepted"


def test_a_link_needs_its_forms_token(alice, dora):
    invite(alice)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(email="dora@example.com"))
    assert strict.post(mailed_path()).status_code == 403
    assert member(alice).role == "owner"
