"""Nobody touches who stands above them, nor gives a role above their own."""

import pytest

from tests.tenants.members.team import JSON, MEMBERS, acts, give, member, promote, refusal, remove


@pytest.fixture
def carol(alice, bob, person):
    """Another of alice's studio, a viewer at first."""
    carol = person("carol", alice.tenant)
    promote(carol, "viewer")
    return carol


def test_an_owner_gives_a_member_another_role(alice, bob):
    answer = give(alice, bob, "admin")
    assert (answer.status_code, answer.json()["role"], member(bob).role) == (200, "admin", "admin")
    assert acts() == [("alice@example.com", "member.role_changed", "bob@example.com")]


def test_the_same_role_again_is_no_act(alice, bob):
    assert give(alice, bob, "member").status_code == 200
    assert acts() == []


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_an_admin_manages_everybody_but_owners(bob, carol, role):
    promote(bob, "admin")
    promote(carol, role)
    assert give(bob, carol, "admin").status_code == 200
    assert remove(bob, carol).status_code == 204


def test_an_admin_touches_no_owner(alice, bob):
    promote(bob, "admin")
    assert refusal(give(bob, alice, "member")) == (403, "insufficient_role")
    assert refusal(remove(bob, alice)) == (403, "insufficient_role")
    assert member(alice).role == "owner"


def test_an_admin_makes_no_owner_not_even_of_themselves(bob):
    promote(bob, "admin")
    assert refusal(give(bob, bob, "owner")) == (403, "insufficient_role")


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_the_others_manage_nobody(bob, carol, role):
    promote(bob, role)
    assert refusal(bob.browser.get(MEMBERS)) == (403, "insufficient_scope")
    assert refusal(give(bob, carol, "viewer")) == (403, "insufficient_scope")
    assert refusal(remove(bob, carol)) == (403, "insufficient_scope")


def test_a_key_has_an_admins_power(alice, bob):
    path = f"{MEMBERS}/{member(bob).pk}"
    assert alice.api.patch(path, {"role": "admin"}, content_type=JSON).status_code == 200
    assert refusal(alice.api.patch(path, {"role": "owner"}, content_type=JSON)) == (403, "insufficient_role")
    assert refusal(alice.api.delete(f"{MEMBERS}/{member(alice).pk}")) == (403, "insufficient_role")
    assert acts() == [(alice.key.pk, "member.role_changed", "bob@example.com")]


def test_a_key_without_the_scope_does_not_even_look(alice, bob, key_with):
    api = key_with(alice, "read", "generate", "train")
    assert refusal(api.get(MEMBERS)) == (403, "insufficient_scope")
    assert api.head(MEMBERS).status_code == 403
    assert refusal(api.delete(f"{MEMBERS}/{member(bob).pk}")) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_required_parameter"),
        ({"role": "king"}, "invalid_value"),
        ({"role": 1}, "invalid_type"),
        ({"role": "admin", "tenant": "ten_1"}, "unknown_parameter"),
    ],
)
def test_what_is_no_role_is_refused_by_name(alice, bob, body, code):
    answer = alice.browser.patch(f"{MEMBERS}/{member(bob).pk}", body, content_type=JSON)
    assert refusal(answer) == (400, code)
    assert member(bob).role == "member"
