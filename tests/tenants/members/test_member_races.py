"""Two at the same moment: a tenant keeps an owner, and an invitation makes one member. On every database."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from tenants.callers import Caller
from tenants.members import services
from tenants.members.invitations import accept
from tenants.models import Membership, User, every_scope
from tests.tenants.members.team import invite, mailed_path, member, promote
from wire.errors import ApiError

ROUNDS = 10


def together(*acts: Callable[[], object]) -> list[object]:
    """Do these at the same moment, each in a thread, and return what became of them: a refusal's code for a refusal."""
    ready, outcomes = threading.Barrier(len(acts)), []

    def do(act: Callable[[], object]) -> None:
        ready.wait()
        try:
            outcomes.append(act())
        except ApiError as refusal:
            outcomes.append(refusal.code)
        connections.close_all()

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def caller(person) -> Caller:
    """Return this person as a door knows them, before anything changes."""
    return Caller(person.tenant, tuple(every_scope()), user=person.user)


def demotes(person, target):
    return lambda: services.change_role(caller(person), member(target).pk, "member").role


def leaves(person):
    return lambda: services.leave(caller(person))


@pytest.fixture
def owners(alice, bob):
    """Two owners, made owners again and again."""

    def reset():
        Membership.objects.all().delete()
        for person in (alice, bob):
            Membership.objects.create(tenant=alice.tenant, user=person.user, role="owner")

    return reset


def test_of_two_owners_who_demote_each_other_exactly_one_succeeds(alice, bob, owners):
    for _ in range(ROUNDS):
        owners()
        outcomes = together(demotes(alice, bob), demotes(bob, alice))
        assert sorted(outcomes) == ["insufficient_role", "member"]
        assert sorted(Membership.objects.values_list("role", flat=True)) == ["member", "owner"]


def test_of_two_owners_who_leave_exactly_one_does(alice, bob, owners):
    for _ in range(ROUNDS):
        owners()
        outcomes = together(leaves(alice), leaves(bob))
        assert sorted(map(str, outcomes)) == ["None", "last_owner"]
        assert Membership.objects.get().role == "owner"


def test_an_invitation_is_used_once(alice, dora):
    invite(alice, role="admin")
    token, user = mailed_path().rpartition("/")[2], User.objects.get(email="dora@example.com")
    outcomes = together(*[lambda: accept(user, token)] * 4)
    assert len([each for each in outcomes if each]) == 1
    assert Membership.objects.get(user=user).role == "admin"


def test_who_was_just_demoted_does_nothing_more(alice, bob, owners):
    owners()
    asked = caller(bob)
    promote(bob, "viewer")
    with pytest.raises(ApiError, match="Only owners and admins"):
        services.change_role(asked, member(alice).pk, "member")
