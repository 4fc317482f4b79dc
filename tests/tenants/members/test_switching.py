"""Somebody in several tenants works in the one that they chose."""

from dataclasses import replace
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Membership
from tests.tenants.members.team import bytes_of, promote, remove

SWITCH = "/tenants/switch"


@pytest.fixture
def bob_in_both(bob, charlie):
    """Bob, who has become a viewer of charlie's studio as well."""
    Membership.objects.create(tenant=charlie.tenant, user=bob.user, role="viewer")
    return replace(bob, tenant=charlie.tenant)


def working_in(browser: Client) -> str:
    """Return in which tenant the account menu says that one works."""
    return unescape(browser.get("/history").content.decode()).partition("Working in<br><strong>")[2].partition("<")[0]


def test_they_begin_in_the_oldest_and_change(bob_in_both, make_image, alice):
    assert working_in(bob_in_both.browser) == "alice's studio"
    make_image(alice)
    bob_in_both.browser.post(SWITCH, {"tenant": bob_in_both.tenant.pk})
    assert working_in(bob_in_both.browser) == "charlie's studio"
    assert bob_in_both.browser.get("/api/v1/generations").json()["data"] == []


def test_in_each_they_have_the_role_that_they_have_there(bob_in_both):
    order = {"prompt": "a red kite"}
    first = bob_in_both.browser.post("/api/v1/generations", order, content_type="application/json")
    bob_in_both.browser.post(SWITCH, {"tenant": bob_in_both.tenant.pk})
    second = bob_in_both.browser.post("/api/v1/generations", order, content_type="application/json")
    assert (first.status_code, second.status_code) == (202, 403)


def test_another_browser_of_theirs_stays_where_it_is(bob_in_both):
    other = Client()
    other.force_login(bob_in_both.user)
    bob_in_both.browser.post(SWITCH, {"tenant": bob_in_both.tenant.pk})
    assert working_in(other) == "alice's studio"


def test_nobody_changes_into_a_tenant_of_others(alice, charlie):
    answers = [alice.browser.post(SWITCH, {"tenant": tenant}) for tenant in (charlie.tenant.pk, "ten_1", "\x00")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({bytes_of(answer) for answer in answers}) == 1
    assert working_in(alice.browser) == "alice's studio"


def test_a_stranger_is_asked_to_sign_in(db):
    assert Client().post(SWITCH, {"tenant": "ten_1"})["Location"].startswith("/sign-in")


def test_a_tenant_that_they_were_removed_from_is_forgotten(bob_in_both, alice, charlie):
    bob_in_both.browser.post(SWITCH, {"tenant": bob_in_both.tenant.pk})
    remove(charlie, bob_in_both)
    assert working_in(bob_in_both.browser) == "alice's studio"
    assert bob_in_both.browser.session["tenant"] == alice.tenant.pk


def test_out_of_a_suspended_one_there_is_a_way(bob_in_both, alice):
    alice.tenant.suspended_at = timezone.now()
    alice.tenant.save()
    page = bob_in_both.browser.get("/")
    assert (page.status_code, bob_in_both.tenant.pk in page.content.decode()) == (403, True)
    bob_in_both.browser.post(SWITCH, {"tenant": bob_in_both.tenant.pk})
    assert working_in(bob_in_both.browser) == "charlie's studio"


def test_who_has_one_tenant_is_offered_no_change(alice, bob):
    promote(bob, "viewer")
    assert "Change to" not in bob.browser.get("/").content.decode()
