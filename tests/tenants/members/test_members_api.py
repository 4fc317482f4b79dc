"""Members and invitations are listed, shown, and another tenant's look like none."""

import pytest

from tenants.models import Invitation, Membership, User
from tests.pages.conftest import queries_of
from tests.tenants.members.team import INVITATIONS, JSON, MEMBERS, invite, member

NOBODY = f"{MEMBERS}/mem_{'0' * 26}"


def test_members_are_listed_the_last_to_join_first(alice, bob):
    listed = alice.api.get(MEMBERS).json()
    assert [(each["email"], each["role"]) for each in listed["data"]] == [
        ("bob@example.com", "member"),
        ("alice@example.com", "owner"),
    ]
    assert listed["first_id"] == member(bob).pk


def test_a_member_is_shown_with_nothing_but_their_own(alice, bob):
    shown = alice.api.get(f"{MEMBERS}/{member(bob).pk}").json()
    assert set(shown) == {"id", "object", "email", "role", "created_at"}


@pytest.mark.parametrize("path", [MEMBERS, INVITATIONS])
def test_lists_are_paged(alice, bob, path):
    for name in "ab":
        invite(alice, f"{name}@example.com")
    first = alice.api.get(f"{path}?limit=1").json()
    second = alice.api.get(f"{path}?limit=1&after={first['last_id']}").json()
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert second["last_id"] < first["last_id"]
    assert alice.api.get(f"{path}?after=x").json()["error"]["param"] == "after"


def test_lists_hold_nothing_of_others(alice, bob, charlie):
    invite(alice)
    assert [each["email"] for each in charlie.api.get(MEMBERS).json()["data"]] == ["charlie@example.com"]
    assert charlie.api.get(INVITATIONS).json()["data"] == []


@pytest.mark.parametrize(("method", "suffix"), [("get", ""), ("patch", ""), ("delete", ""), ("post", "/transfer")])
def test_another_tenants_member_is_like_a_missing_one(alice, bob, charlie, method, suffix):
    body = {"role": "viewer"} if method == "patch" else {}
    ids = [f"{MEMBERS}/{member(bob).pk}", NOBODY, f"{MEMBERS}/1", f"{MEMBERS}/x%00y"]
    answers = [getattr(charlie.browser, method)(path + suffix, body, content_type=JSON) for path in ids]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert member(bob).role == "member"


@pytest.mark.parametrize(("method", "suffix"), [("get", ""), ("delete", ""), ("post", "/resend")])
def test_another_tenants_invitation_is_like_a_missing_one(alice, charlie, method, suffix):
    theirs = f"{INVITATIONS}/{invite(alice).json()['id']}"
    answers = [getattr(charlie.browser, method)(path + suffix) for path in (theirs, f"{INVITATIONS}/inv_{'0' * 26}")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert Invitation.objects.get().status == "open"


@pytest.mark.parametrize("path", [MEMBERS, INVITATIONS, "/settings/members"])
def test_many_cost_no_more_queries(alice, bob, path):
    invite(alice)
    few = queries_of(alice.browser, path)[1]
    for n in range(5):
        Membership.objects.create(tenant=alice.tenant, user=User.objects.create_user(f"{n}@example.com"))
        invite(alice, f"new{n}@example.com")
    assert queries_of(alice.browser, path)[1] == few
