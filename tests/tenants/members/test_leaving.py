"""A membership ends at once, and never the last owner's."""

import pytest

from tenants.models import ApiKey, Membership
from tests.tenants.members.team import acts, give, hand_over, member, promote, refusal, remove

ROUTE = "/api/v1/generations"


def test_a_removed_members_session_is_refused_at_the_next_request(alice, bob):
    assert bob.browser.get(ROUTE).status_code == 200
    assert remove(alice, bob).status_code == 204
    assert refusal(bob.browser.get(ROUTE)) == (401, "missing_api_key")
    assert "You belong to no tenant yet" in bob.browser.get("/history").content.decode()
    assert acts() == [("alice@example.com", "member.removed", "bob@example.com")]


def test_the_keys_that_a_removed_member_made_stay_the_tenants(alice, bob):
    ApiKey.objects.filter(pk=bob.key.pk).update(created_by=bob.user)
    remove(alice, bob)
    assert bob.api.get(ROUTE).status_code == 200
    assert ApiKey.objects.get(pk=bob.key.pk).created_by == bob.user


def test_anybody_but_the_last_owner_may_leave(bob):
    promote(bob, "viewer")
    bob.browser.post("/settings/members/leave")
    assert not Membership.objects.filter(user=bob.user).exists()
    assert acts() == [("bob@example.com", "member.left", "bob@example.com")]


def test_the_last_owner_cannot_leave_be_removed_or_demoted(alice, bob):
    answers = [give(alice, alice, "admin"), remove(alice, alice)]
    assert [refusal(answer) for answer in answers] == [(409, "last_owner")] * 2
    page = alice.browser.post("/settings/members/leave")
    assert (page.status_code, "Make another member an owner first" in page.content.decode()) == (409, True)
    assert member(alice).role == "owner"
    assert acts() == []


def test_one_of_two_owners_may_go(alice, bob):
    give(alice, bob, "owner")
    assert remove(bob, alice).status_code == 204
    assert refusal(remove(bob, bob)) == (409, "last_owner")


def test_an_owner_whose_account_was_closed_counts_for_nobody(alice, bob):
    give(alice, bob, "owner")
    bob.user.is_active = False
    bob.user.save()
    assert refusal(remove(alice, alice)) == (409, "last_owner")


def test_ownership_is_handed_over(alice, bob):
    answer = hand_over(alice, bob)
    assert (answer.status_code, answer.json()["role"]) == (200, "owner")
    assert (member(alice).role, member(bob).role) == ("admin", "owner")
    assert acts() == [("alice@example.com", "ownership.transferred", "bob@example.com")]


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_nobody_else_hands_it_over(alice, bob, role):
    promote(bob, role)
    assert hand_over(bob, bob).status_code == 403
    assert alice.api.post(f"/api/v1/members/{member(bob).pk}/transfer").status_code == 403
    assert member(alice).role == "owner"


def test_an_owner_hands_nothing_to_themselves(alice):
    assert refusal(hand_over(alice, alice)) == (409, "already_owner")
