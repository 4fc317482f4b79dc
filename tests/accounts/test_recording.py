"""The audit tells each tenant what happened around its members' signing in, and nothing of strangers."""

import pytest
from django.test import Client

from tenants.models import AuditEvent, Membership, User
from tests.accounts.acting import HORSE, add_app, confirm_it_is_me, sign_in
from tests.accounts.test_changing import NEW

ALICE = "alice@example.com"


def recorded(tenant) -> list[str]:
    """Return what the audit says of a tenant, in its order."""
    return list(AuditEvent.objects.for_tenant(tenant).order_by("pk").values_list("action", flat=True))


def test_a_newcomers_first_address_is_confirmed_and_not_changed(dora):
    tenant = Membership.objects.get(user__email="dora@example.com").tenant
    assert recorded(tenant) == ["tenant.opened", "email.confirmed", "sign_in.succeeded"]


@pytest.fixture
def fresh(alice, charlie):
    """Nothing is recorded yet."""
    AuditEvent.objects.all().delete()
    return alice


def test_coming_failing_and_leaving_are_recorded(fresh):
    browser = Client(REMOTE_ADDR="203.0.113.7")
    sign_in(browser, ALICE, "wrong")
    sign_in(browser, ALICE, HORSE)
    browser.post("/sign-out")
    assert recorded(fresh.tenant) == ["sign_in.failed", "sign_in.succeeded", "sign_in.ended"]
    assert {(each.actor, each.address) for each in AuditEvent.objects.all()} == {(ALICE, "203.0.113.7")}


def test_each_tenant_of_a_person_hears_of_it(fresh, charlie):
    Membership.objects.create(tenant=charlie.tenant, user=fresh.user)
    sign_in(Client(), ALICE, HORSE)
    assert recorded(fresh.tenant) == recorded(charlie.tenant) == ["sign_in.succeeded"]


def test_a_wrong_password_for_nobody_is_nobodys_business(fresh):
    sign_in(Client(), "nobody@example.com", "wrong")
    assert not AuditEvent.objects.exists()


def test_somebody_without_a_tenant_concerns_the_operator(db):
    User.objects.create_user("dora@example.com", HORSE)
    sign_in(Client(), "dora@example.com", HORSE)
    event = AuditEvent.objects.get()
    assert (event.action, event.tenant) == ("sign_in.succeeded", None)


def test_changes_of_password_and_factors_are_recorded(fresh):
    add_app(fresh.browser)
    fresh.browser.post("/account/recovery-codes/renew")
    fresh.browser.post("/account/authenticator/remove")
    fresh.browser.post("/account/password", {"oldpassword": HORSE} | NEW)
    expected = ["two_factor.enabled", "recovery_codes.renewed", "two_factor.disabled", "password.changed"]
    assert recorded(fresh.tenant) == expected


def test_a_wrong_code_is_a_failed_sign_in(fresh):
    add_app(fresh.browser)
    browser = Client()
    sign_in(browser, ALICE, HORSE)
    browser.post("/sign-in/code", {"code": "000000"})
    event = AuditEvent.objects.get(action="sign_in.failed")
    assert event.detail == {"with": "totp"}


def test_an_operators_help_is_recorded_with_the_operators_name(fresh, operator):
    add_app(fresh.browser)
    operator.post("/admin/tenants/user/", {"action": "remove_second_factors", "_selected_action": [fresh.user.pk]})
    event = AuditEvent.objects.get(action="two_factor.disabled")
    assert event.actor.startswith("operator ")
    assert event.subject == ALICE


def test_no_secret_is_recorded(fresh):
    sign_in(Client(), ALICE, "my other password")
    confirm_it_is_me(fresh.browser)
    assert "password" not in {value for each in AuditEvent.objects.all() for value in (each.actor, each.subject)}
    assert "my other" not in str(list(AuditEvent.objects.values()))
