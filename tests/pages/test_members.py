"""Does the members page offer what may be done, and nothing that would be refused?"""

from html import unescape

import pytest
from django.core import mail

from tenants.models import ApiKey, Invitation, Membership, Tenant
from tests.tenants.members.team import acts, invite, member, promote

PAGE = "/settings/members"


def shown(person, path: str = PAGE) -> str:
    return unescape(person.browser.get(path).content.decode())


def test_an_owner_invites_from_the_page(alice):
    answer = alice.browser.post(PAGE, {"email": "Dora@Example.com", "role": "viewer"}, follow=True)
    assert "A mail with a link is on its way to Dora@Example.com." in answer.content.decode()
    assert (mail.outbox[0].to, Invitation.objects.get().role) == (["dora@example.com"], "viewer")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "dora", "role": "member"}, "Enter a valid email address."),
        ({"email": "", "role": "member"}, "This field is required."),
        ({"email": "alice@example.com", "role": "member"}, "alice@example.com is a member of this tenant already."),
        ({"email": "dora@example.com", "role": "king"}, "king is not one of the available choices."),
    ],
)
def test_what_is_wrong_with_an_invitation_stands_at_its_field(alice, form, sentence):
    answer = alice.browser.post(PAGE, form)
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert mail.outbox == []


def test_who_is_invited_already_is_named_by_the_address(alice):
    for _ in range(2):
        answer = alice.browser.post(PAGE, {"email": "dora@example.com", "role": "member"})
    assert "dora@example.com is invited already. Send that invitation again" in answer.content.decode()


def test_an_owner_sees_a_button_for_everything(alice, bob):
    page = shown(alice)
    for act in ("role", "remove", "transfer"):
        assert f"{PAGE}/{member(bob).pk}/{act}" in page
        assert f"{PAGE}/{member(alice).pk}/{act}" not in page
    assert "You are the only owner." in page


def test_an_admin_sees_none_for_owners(alice, bob):
    promote(bob, "admin")
    page = shown(bob)
    assert f"{PAGE}/{member(alice).pk}/" not in page
    assert "/transfer" not in page
    assert '<option value="owner"' not in page


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_the_others_see_whom_they_can_ask(alice, bob, role):
    promote(bob, role)
    page = shown(bob)
    assert f"You are a {role} of <strong>alice's studio</strong>." in page
    assert "alice@example.com" in page
    assert "Send invitation" not in page
    assert bob.browser.post(PAGE, {"email": "dora@example.com", "role": "member"}).status_code == 403


def test_a_role_is_changed(alice, bob):
    answer = alice.browser.post(f"{PAGE}/{member(bob).pk}/role", {"role": "admin"}, follow=True)
    assert "bob@example.com is now: admin." in answer.content.decode()
    assert member(bob).role == "admin"


def test_a_role_that_is_none_is_refused(alice, bob):
    answer = alice.browser.post(f"{PAGE}/{member(bob).pk}/role", {"role": "king"})
    assert (answer.status_code, member(bob).role) == (400, "member")


def test_a_member_is_removed_and_their_keys_are_told(alice, bob):
    ApiKey.objects.filter(pk=bob.key.pk).update(created_by=bob.user)
    assert "1 key made" in shown(alice)
    alice.browser.post(f"{PAGE}/{member(bob).pk}/remove")
    assert not Membership.objects.filter(user=bob.user).exists()


def test_ownership_is_handed_over_from_the_page(alice, bob):
    answer = alice.browser.post(f"{PAGE}/{member(bob).pk}/transfer", follow=True)
    assert "bob@example.com is an owner now, and you are an admin." in answer.content.decode()


def test_leaving_leads_out(alice, bob):
    page = bob.browser.post(f"{PAGE}/leave", follow=True)
    assert "You have left alice's studio." in unescape(page.content.decode())
    assert not Membership.objects.filter(user=bob.user).exists()


def test_an_open_invitation_is_sent_again_or_withdrawn(alice):
    sent = invite(alice).json()["id"]
    assert f"/settings/invitations/{sent}/resend" in shown(alice)
    alice.browser.post(f"/settings/invitations/{sent}/withdraw")
    assert "dora@example.com" not in shown(alice)


def test_the_tenants_name_and_time_zone_are_changed(alice):
    for _ in range(2):  # the second time nothing changes
        alice.browser.post("/settings/tenant", {"name": "  Kites\n& Co ", "time_zone": "Europe/Berlin"})
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.time_zone) == ("Kites & Co", "Europe/Berlin")
    assert "<strong>Kites & Co</strong>" in shown(alice)
    assert acts() == [("alice@example.com", "tenant.changed", tenant.pk)]


@pytest.mark.parametrize("time_zone", ["Mars/Olympus", "../etc/passwd", "", "europe/berlin"])
def test_a_time_zone_that_is_none_is_refused(alice, time_zone):
    answer = alice.browser.post("/settings/tenant", {"name": "Kites", "time_zone": time_zone})
    assert (answer.status_code, Tenant.objects.get().time_zone) == (422, "UTC")


def test_others_change_neither(bob):
    answer = bob.browser.post("/settings/tenant", {"name": "Bob's", "time_zone": "UTC"})
    assert (answer.status_code, Tenant.objects.get().name) == (403, "alice's studio")


@pytest.mark.parametrize("act", ["role", "remove", "transfer"])
def test_a_strangers_member_is_like_a_missing_one(alice, bob, charlie, act):
    form = {"role": "viewer"}
    ids = (member(bob).pk, "mem_" + "0" * 26)
    assert [charlie.browser.post(f"{PAGE}/{each}/{act}", form).status_code for each in ids] == [404, 404]


def test_a_key_is_no_member_who_could_leave(alice):
    answer = alice.api.post(f"{PAGE}/leave")
    assert answer.status_code == 403
    assert Membership.objects.filter(tenant=alice.tenant).count() == 1
