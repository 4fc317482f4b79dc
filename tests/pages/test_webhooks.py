"""Does the page show who hears of what, a secret once, and how deliveries went?"""

from datetime import UTC, datetime

import pytest

from tenants.models import Membership
from tests.pages.conftest import queries_of
from webhooks.models import Delivery, Endpoint, Secret

PAGE = "/settings/webhooks"
PUBLIC = "https://93.184.216.34/hook"


@pytest.fixture
def endpoint(alice):
    """A webhook of alice's."""
    alice.browser.post(f"{PAGE}/add", {"url": PUBLIC, "description": "the shop", "events": ["job.completed"]})
    alice.browser.get(PAGE)
    return Endpoint.objects.get()


def test_a_new_webhooks_secret_is_shown_once(alice):
    first = alice.browser.post(f"{PAGE}/add", {"url": PUBLIC}, follow=True).content.decode()
    assert Secret.objects.get().secret in first
    assert PUBLIC in first
    assert Secret.objects.get().secret not in alice.browser.get(PAGE).content.decode()


def test_a_bad_address_is_refused_at_its_field(alice):
    answer = alice.browser.post(f"{PAGE}/add", {"url": "https://10.0.0.1/", "description": "kept"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The address must be an https: URL" in page
    assert 'value="kept"' in page
    assert not Endpoint.objects.exists()


def test_a_webhook_is_tried_and_its_delivery_sent_again(alice, endpoint):
    page = alice.browser.post(f"{PAGE}/{endpoint.pk}/test", follow=True).content.decode()
    delivery = Delivery.objects.get()
    assert delivery.pk in page
    Delivery.objects.update(state="dead", ended_at=delivery.created_at)
    alice.browser.post(f"{PAGE}/deliveries/{delivery.pk}/replay")
    delivery.refresh_from_db()
    assert delivery.state == "pending"


def test_a_webhook_is_disabled_enabled_and_deleted(alice, endpoint):
    assert b"Its owner disabled it" in alice.browser.post(f"{PAGE}/{endpoint.pk}/switch", follow=True).content
    assert b"Its owner disabled it" not in alice.browser.post(f"{PAGE}/{endpoint.pk}/switch", follow=True).content
    assert PUBLIC.encode() not in alice.browser.post(f"{PAGE}/{endpoint.pk}/delete", follow=True).content


def test_a_receiver_that_fails_is_said_to(alice, endpoint):
    assert "Failing" not in alice.browser.get(PAGE).content.decode()
    Endpoint.objects.update(failing_since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    page = alice.browser.get(PAGE).content.decode()
    assert "Failing</span>" in page
    assert "Nothing has got through since 2 Jan 2026, 03:04:05 UTC" in page


def test_secrets_are_renewed(alice, endpoint):
    for address in (f"{PAGE}/{endpoint.pk}/rotate", f"{PAGE}/secret", f"{PAGE}/secret/rotate"):
        page = alice.browser.post(address, follow=True).content.decode()
        assert page.count("whsec_") == 2  # the new one, and the example's


def test_another_tenants_webhook_is_missing(alice, charlie, endpoint):
    assert PUBLIC.encode() not in charlie.browser.get(PAGE).content
    alice.browser.post(f"{PAGE}/{endpoint.pk}/test")
    for act in ("rotate", "switch", "delete", "test"):
        assert charlie.browser.post(f"{PAGE}/{endpoint.pk}/{act}").status_code == 404
    assert charlie.browser.post(f"{PAGE}/deliveries/{Delivery.objects.get().pk}/replay").status_code == 404
    assert Endpoint.objects.filter(disabled_at=None).exists()


def test_members_who_may_not_manage_see_no_webhooks(bob, endpoint):
    assert bob.browser.get(PAGE).status_code == 403
    assert bob.browser.post(f"{PAGE}/{endpoint.pk}/delete").status_code == 403


def test_the_page_asks_as_much_for_many_as_for_one(alice, endpoint):
    alice.browser.post(f"{PAGE}/{endpoint.pk}/test")
    alice.browser.get(PAGE)
    _, few = queries_of(alice.browser, PAGE)
    for _ in range(5):
        alice.browser.post(f"{PAGE}/add", {"url": PUBLIC})
        alice.browser.post(f"{PAGE}/{endpoint.pk}/test")
    alice.browser.get(PAGE)
    _, many = queries_of(alice.browser, PAGE)
    assert few == many


def test_a_secret_is_shown_in_its_own_tenant_alone(alice, charlie):
    Membership.objects.create(tenant=charlie.tenant, user=alice.user, role="admin")
    alice.browser.post(f"{PAGE}/add", {"url": PUBLIC})
    alice.browser.post("/tenants/switch", {"tenant": charlie.tenant.pk})
    page = alice.browser.get(PAGE).content.decode()
    assert Secret.objects.get().secret not in page
    assert PUBLIC not in page


def test_no_browser_keeps_a_secret(alice):
    answer = alice.browser.post(f"{PAGE}/add", {"url": PUBLIC}, follow=True)
    assert answer["Cache-Control"] == "no-store, private"
