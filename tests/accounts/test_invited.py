"""Who comes through an invitation makes an account even where sign-up is closed, gets no tenant, and is led back."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants import keys
from tenants.models import Invitation, Tenant, User
from tests.accounts.acting import HORSE, link_in, sign_in, sign_up

TOKEN = "an-invitation-token"
PAGE = f"/invitations/accept/{TOKEN}"


@pytest.fixture
def invitation(alice) -> Invitation:
    """Alice has invited dora."""
    expires_at = timezone.now() + timedelta(days=7)
    return Invitation.objects.create(
        tenant=alice.tenant, email="dora@example.com", digest=keys.digest(TOKEN), expires_at=expires_at
    )


@pytest.fixture
def invited(invitation) -> Client:
    """A browser that has opened the invitation's page, which leaves the token in the session."""
    browser = Client()
    session = browser.session
    session["invitation"] = TOKEN
    session.save()
    return browser


def test_the_invited_sign_up_and_are_led_back_without_a_tenant_of_their_own(invited, mailoutbox):
    assert sign_up(invited, "dora@example.com")["Location"] == "/confirm-email"
    assert invited.post(link_in(mailoutbox[-1]))["Location"] == PAGE
    assert User.objects.filter(email="dora@example.com").exists()
    assert Tenant.objects.count() == 1


def test_an_invitation_is_for_its_address_where_sign_up_is_closed(invited):
    page = sign_up(invited, "somebody@example.com").content.decode()
    assert "The invitation is for dora@example.com." in page
    assert not User.objects.filter(email="somebody@example.com").exists()


def test_who_signs_up_with_another_address_than_the_invited_one_gets_a_tenant_of_their_own(invited, settings):
    settings.SIGN_UP = True
    sign_up(invited, "dorothea@example.com")
    assert Tenant.objects.filter(members__email="dorothea@example.com").exists()


def test_who_has_an_account_is_led_back_after_signing_in(invited, charlie):
    assert sign_in(invited, "charlie@example.com", HORSE)["Location"] == PAGE


@pytest.mark.parametrize("end", ["expires_at", "accepted_at", "withdrawn_at"])
def test_an_invitation_that_is_over_opens_nothing(invited, invitation, end):
    Invitation.objects.filter(pk=invitation.pk).update(**{end: timezone.now()})
    assert "Sign-up is closed" in invited.get("/sign-up").content.decode()


def test_a_made_up_token_opens_nothing(invited, invitation):
    invitation.delete()
    assert "Sign-up is closed" in invited.get("/sign-up").content.decode()


def test_the_page_to_sign_up_knows_the_invited_address(invited):
    assert 'value="dora@example.com"' in invited.get("/sign-up").content.decode()
