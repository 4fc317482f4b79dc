"""Who may come in: keys and sessions, good and bad."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants import keys
from tenants.models import ApiKey, Membership
from tenants.services import issue_key, revoke_key
from tests.conftest import Api

ROUTE = "/api/v1/generations"


def refusal(answer):
    """Return status and code."""
    return answer.status_code, answer.json()["error"]["code"]


def test_no_key_is_told_how_to_send_one(alice):
    answer = Client().get(ROUTE)
    assert refusal(answer) == (401, "missing_api_key")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", ["Bearer foo", "Bearer ", "Basic abc", "Bearer sdx_live_" + "0" * 36])
def test_a_malformed_key_is_refused_without_asking_the_database(alice, authorization, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = Client().get("/api/v1/schedulers", headers={"Authorization": authorization})
    assert refusal(answer) == (401, "invalid_api_key")


def test_a_well_formed_key_that_nobody_issued_is_refused(alice):
    assert refusal(Api(keys.mint()).get(ROUTE)) == (401, "invalid_api_key")


def test_a_revoked_key_is_refused_at_once(alice):
    revoke_key(alice.key)
    assert refusal(alice.api.get(ROUTE)) == (401, "api_key_revoked")


def test_an_expired_key_is_refused(alice):
    _, secret = issue_key(alice.tenant, "old", expires_at=timezone.now() - timedelta(seconds=1))
    assert refusal(Api(secret).get(ROUTE)) == (401, "api_key_expired")


def test_a_key_in_the_url_is_refused_even_with_a_good_header(alice):
    assert refusal(alice.api.get(f"{ROUTE}?api_key=x")) == (400, "api_key_in_url")


def test_a_reading_key_cannot_generate(alice):
    _, secret = issue_key(alice.tenant, "reader", scopes=["read"])
    assert refusal(Api(secret).post(ROUTE, {"prompt": "x"})) == (403, "insufficient_scope")
    assert Api(secret).get(ROUTE).status_code == 200


def test_a_viewer_cannot_generate(bob):
    Membership.objects.filter(user=bob.user).update(role="viewer")
    answer = bob.browser.post(ROUTE, {"prompt": "x"}, content_type="application/json")
    assert refusal(answer) == (403, "insufficient_scope")


def test_a_suspended_tenant_is_refused(alice):
    alice.tenant.suspended_at = timezone.now()
    alice.tenant.save()
    assert refusal(alice.api.get(ROUTE)) == (403, "account_suspended")


def test_a_session_works_with_its_csrf_token_alone(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    answer = browser.post(ROUTE, {"prompt": "x"}, content_type="application/json")
    assert refusal(answer) == (403, "permission_denied")
    assert browser.get(ROUTE).status_code == 200


def test_only_the_digest_of_a_key_is_stored(alice):
    key, secret = issue_key(alice.tenant, "new")
    stored = " ".join(str(value) for value in ApiKey.objects.filter(pk=key.pk).values().get().values())
    assert secret not in stored
    assert keys.digest(secret) in stored


def test_a_typo_never_passes_the_checksum():
    for _ in range(100):
        key = keys.mint()
        typo = key[:20] + ("a" if key[20] != "a" else "b") + key[21:]
        assert keys.is_well_formed(key)
        assert not keys.is_well_formed(typo)
