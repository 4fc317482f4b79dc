"""Whose address was never confirmed is forgotten after a month, and whose it is can sign up."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.chores import UNCONFIRMED_KEPT, remove_unconfirmed
from tenants.audit import record
from tenants.models import AuditEvent, Membership, Tenant, User
from tenants.services import issue_key
from tests.accounts.acting import link_in, sign_up

EMAIL = "dora@example.com"


@pytest.fixture
def stranger(open_house, mailoutbox):
    """Somebody who signed up with dora's address long ago, and never came back."""
    sign_up(Client(), EMAIL)
    User.objects.update(created_at=timezone.now() - UNCONFIRMED_KEPT - timedelta(hours=1))
    return User.objects.get()


def is_there():
    """Return whether the account outlives the chore."""
    remove_unconfirmed()
    return User.objects.filter(email=EMAIL).exists()


def test_after_a_month_whose_address_it_is_signs_up(stranger, mailoutbox):
    assert not is_there()
    cache.clear()  # a month later, another mail may be sent
    browser = Client()
    sign_up(browser, EMAIL)
    browser.post(link_in(mailoutbox[-1]))
    assert User.objects.get().last_login is not None


def test_the_audit_says_where_the_owner_of_an_empty_tenant_is(stranger):
    remove_unconfirmed()
    removed = AuditEvent.objects.get(action="account.removed")
    assert (removed.tenant, removed.subject) == (Tenant.objects.get(), EMAIL)


def test_before_that_there_is_time(stranger):
    User.objects.update(created_at=timezone.now() - UNCONFIRMED_KEPT + timedelta(hours=1))
    assert is_there()


def confirm(user):
    """Open the link."""
    EmailAddress.objects.update(verified=True)


def retype(user):
    """Correct the address, as an operator may."""
    EmailAddress.objects.update(email="droa@example.com")


def come_in(user):
    """Sign in, which asks for a confirmed address today."""
    User.objects.update(last_login=timezone.now())


def promote(user):
    """Make an operator of them."""
    User.objects.update(is_staff=True)


def issue(user):
    """Let a program of theirs come in."""
    issue_key(Tenant.objects.get(), "a program")


def join(user):
    """Bring somebody else into their tenant."""
    Membership.objects.create(tenant=Tenant.objects.get(), user=User.objects.create_user("emil@example.com"))


def prepare(user):
    """Make a tenant ready for them, as an operator may."""
    record("member.added", tenant=Tenant.objects.get(), actor="operator olga@example.com", subject=user.email)


def belong(user):
    """Take them into another tenant too."""
    Membership.objects.create(tenant=Tenant.objects.create(name="another"), user=user)


@pytest.mark.parametrize("happen", [confirm, retype, come_in, promote, issue, join, prepare, belong])
def test_whoever_has_come_in_or_is_expected_stays(stranger, happen):
    happen(stranger)
    assert is_there()


def test_whom_an_operator_made_has_nothing_to_confirm(stranger):
    EmailAddress.objects.all().delete()
    assert is_there()
