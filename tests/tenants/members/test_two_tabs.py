"""A page that was opened in one tenant does nothing in another, to which the same browser has changed meanwhile."""

import re
from types import SimpleNamespace

import pytest
from django.test import Client

from tenants.models import Invitation, Membership, Tenant
from tests.tenants.members.team import promote, remove

PAGE = "/settings/members"


@pytest.fixture
def tabs(alice, charlie):
    """Alice's browser, with the members page of her own studio open; she manages charlie's as well."""
    Membership.objects.create(tenant=charlie.tenant, user=alice.user, role="admin")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    return SimpleNamespace(browser=browser, first=token_of(browser), person=alice, other=charlie)


def token_of(browser: Client, path: str = PAGE) -> str:
    """Open a page and return the token of its forms."""
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).content.decode()).group(1)


def send(tabs, path: str, token: str, **fields: str) -> int:
    """Send a form of a tab; return the status."""
    return tabs.browser.post(path, {"csrfmiddlewaretoken": token, **fields}).status_code


def test_a_form_of_the_tenant_before_is_refused(tabs):
    assert send(tabs, "/tenants/switch", tabs.first, tenant=tabs.other.tenant.pk) == 302
    assert send(tabs, PAGE, tabs.first, email="dora@example.com", role="admin") == 403
    assert send(tabs, "/settings/tenant", tabs.first, name="Renamed", time_zone="UTC") == 403
    assert send(tabs, "/settings/members/leave", tabs.first) == 403
    assert not Invitation.objects.exists()
    assert not Tenant.objects.filter(name="Renamed").exists()


def test_a_form_of_the_tenant_now_is_taken(tabs):
    send(tabs, "/tenants/switch", tabs.first, tenant=tabs.other.tenant.pk)
    assert send(tabs, PAGE, token_of(tabs.browser), email="dora@example.com", role="admin") == 302
    assert Invitation.objects.get().tenant == tabs.other.tenant


def test_who_was_removed_does_nothing_in_the_tenant_that_is_left(tabs, bob):
    promote(bob, "owner")
    assert remove(bob, tabs.person).status_code == 204
    assert send(tabs, PAGE, tabs.first, email="dora@example.com", role="member") == 409
    second = token_of(tabs.browser)
    assert send(tabs, PAGE, tabs.first, email="dora@example.com", role="member") == 403
    assert not Invitation.objects.exists()
    assert send(tabs, PAGE, second, email="dora@example.com", role="member") == 302


def test_who_left_does_nothing_in_the_tenant_that_is_left(tabs, bob):
    promote(bob, "owner")
    assert send(tabs, "/settings/members/leave", tabs.first) == 302
    tabs.browser.get("/")
    assert send(tabs, "/settings/tenant", tabs.first, name="Renamed", time_zone="UTC") == 403
    assert not Tenant.objects.filter(name="Renamed").exists()


def test_programs_and_other_browsers_go_on(tabs, alice):
    send(tabs, "/tenants/switch", tabs.first, tenant=tabs.other.tenant.pk)
    assert alice.api.post("/api/v1/generations", {"prompt": "a kite"}).status_code == 202
    assert alice.browser.post(PAGE, {"email": "dora@example.com", "role": "member"}).status_code == 302
    assert Invitation.objects.get().tenant == alice.tenant
