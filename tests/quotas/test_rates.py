"""Who asks too often is told when to ask again, and everybody how they stand; without the store nobody is refused."""

from datetime import datetime
from urllib.parse import urlsplit

import openai
import pytest
from django.test import Client
from django.utils import timezone

from darkroom.up.store import free_port
from generation.links import link_to
from generation.models import GenerationJob
from quotas import buckets
from quotas.models import Allowance, Plan
from tests.server import opened

ROUTE = "/api/v1/generations"
OPENAIS = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests")


@pytest.fixture
def allow():
    """Let a person's tenant ask so often in a minute, and the person's key so often."""

    def let(person, tenant=None, key=None, **others):
        Allowance.objects.create(tenant=person.tenant, requests_per_minute=tenant, **others)
        person.key.requests_per_minute = key
        person.key.save(update_fields=["requests_per_minute"])

    return let


def standing(answer):
    """Return what OpenAI's headers say."""
    return tuple(answer.get(name) for name in OPENAIS)


def test_every_answer_tells_how_the_caller_stands(alice, valkey, allow):
    allow(alice, tenant=120, key=60)
    answer = alice.api.get(ROUTE)
    assert standing(answer) == ("60", "59", "1s")
    assert answer["RateLimit-Policy"] == '"tenant";q=120;w=60, "key";q=60;w=60'
    assert answer["RateLimit"] == '"tenant";r=119;t=1, "key";r=59;t=1'


def test_a_refusal_says_when_and_tells_it_too(alice, valkey, allow):
    allow(alice, tenant=2)
    answer = [alice.api.get(ROUTE) for _ in range(3)][-1]
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert (answer["Retry-After"], standing(answer)) == ("30", ("2", "0", "1m0s"))


def test_a_refusal_names_the_limit_and_the_plan(alice, valkey, allow):
    allow(alice, tenant=2, plan=Plan.objects.create(name="Small"))
    error = [alice.api.get(ROUTE) for _ in range(3)][-1].json()["error"]
    assert error["message"].startswith("Your tenant may make 2 requests a minute (plan Small). Ask again in")
    resets_at = error["limit"].pop("resets_at")
    assert error["limit"] == {"name": "requests_per_minute", "limit": 2, "used": 2, "requested": 1}
    assert datetime.fromisoformat(resets_at) > timezone.now()


@pytest.mark.parametrize(("status", "path"), [(404, f"{ROUTE}/none"), (405, "/api/v1/schedulers"), (400, ROUTE)])
def test_errors_count_and_tell_it_as_well(alice, valkey, allow, status, path):
    allow(alice, tenant=60)
    answer = alice.api.get(path) if status == 404 else alice.api.post(path)
    assert (answer.status_code, standing(answer)) == (status, ("60", "59", "1s"))


def test_a_tenants_keys_share_its_limit_and_no_other_tenant_does(alice, bob, charlie, valkey, allow):
    allow(alice, tenant=2)
    assert [person.api.get(ROUTE).status_code for person in (alice, bob, alice, charlie)] == [200, 200, 429, 200]


def test_a_keys_own_limit_is_its_own(alice, bob, valkey, allow):
    allow(alice, key=1)
    answers = [person.api.get(ROUTE) for person in (alice, alice, bob)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].json()["error"]["message"].startswith("This key may make 1 requests a minute.")


def test_the_dashboards_session_counts_for_the_tenant(alice, valkey, allow):
    allow(alice, tenant=1)
    assert [alice.browser.get(ROUTE).status_code for _ in range(2)] == [200, 429]


def test_pictures_on_a_page_count_for_nobody_and_with_a_key_as_ever(alice, make_image, valkey, allow):
    allow(alice, tenant=2)
    path = f"/api/v1/images/{make_image(alice).pk}/content?size=thumbnail"
    assert [alice.browser.get(path).status_code for _ in range(3)] == [200, 200, 200]
    assert [alice.api.get(path).status_code for _ in range(2)] == [200, 429]
    assert Client().get(path).status_code == 401


def test_opening_a_stream_counts(alice, server, valkey, allow):
    allow(alice, tenant=2)
    job = alice.api.post(ROUTE, {"prompt": "a kite"}).json()
    with opened(alice, server, job["id"]) as stream:
        assert stream.getheader("x-ratelimit-remaining-requests") == "0"
    assert alice.api.get(f"{ROUTE}/{job['id']}/events").status_code == 429


def test_links_and_docs_have_no_caller_to_count(alice, make_image, valkey, allow, client):
    allow(alice, tenant=1)
    link = urlsplit(link_to(make_image(alice))).path
    for path in (link, "/api/v1/openapi.json"):
        answer = client.get(path)
        assert (answer.status_code, standing(answer)) == (200, (None, None, None))


def test_who_is_not_known_has_no_standing(valkey, transactional_db):
    answer = Client().get(ROUTE)
    assert (answer.status_code, standing(answer)) == (401, (None, None, None))


def test_an_answer_that_is_repeated_costs_nothing(alice, valkey, allow):
    allow(alice, tenant=1)
    named = {"Idempotency-Key": "k1"}
    answers = [alice.api.post(ROUTE, {"prompt": "a kite"}, headers=named) for _ in range(3)]
    assert [(answer.status_code, standing(answer)[1]) for answer in answers] == [(202, "0")] * 3
    assert alice.api.get(ROUTE).status_code == 429


def test_a_request_that_is_refused_for_its_rate_keeps_nothing(alice, valkey, allow):
    allow(alice, tenant=1)
    alice.api.get(ROUTE)
    answer = alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, GenerationJob.objects.count()) == (429, 0)
    valkey.flushall()
    assert "Idempotency-Replayed" not in alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Idempotency-Key": "k1"})


def test_a_repetition_in_other_words_counts(alice, valkey, allow):
    allow(alice, tenant=2)
    named = {"Idempotency-Key": "k1"}
    statuses = [alice.api.post(ROUTE, {"prompt": f"kite {i}"}, headers=named).status_code for i in range(3)]
    assert statuses == [202, 422, 429]


def test_no_limit_asks_nobody(alice, valkey, allow):
    allow(alice)
    assert standing(alice.api.get(ROUTE)) == (None, None, None)
    assert not valkey.keys("rate:*")


def test_who_may_make_no_requests_makes_none(alice, allow):
    allow(alice, key=0)
    answer = alice.api.get(ROUTE)
    assert (answer.status_code, answer["x-should-retry"]) == (429, "false")


def test_a_tenant_that_may_make_no_requests_hears_whom_to_ask(alice, allow):
    allow(alice, tenant=0, plan=Plan.objects.create(name="Small"))
    error = alice.api.get(ROUTE).json()["error"]
    way_out = "Ask the operator of this server for more."
    assert error["message"] == f"Your tenant may make no requests (plan Small). {way_out}"
    assert (error["limit"]["limit"], error["limit"]["resets_at"]) == (0, None)


def test_without_the_store_the_database_still_says_no(alice, allow, settings):
    allow(alice, tenant=1, queued_jobs=2)
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    answers = [alice.api.post(ROUTE, {"prompt": "a kite"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert (answers[2].json()["error"]["code"], standing(answers[0])) == ("queue_full", (None, None, None))


def test_a_store_that_comes_back_counts_again(alice, valkey, allow):
    allow(alice, tenant=1)
    buckets.store().rests_until = float("inf")
    assert [alice.api.get(ROUTE).status_code for _ in range(3)] == [200] * 3
    buckets.store().rests_until = 0.0
    assert [alice.api.get(ROUTE).status_code for _ in range(2)] == [200, 429]


def test_openais_client_hears_when_to_ask_again(alice, server, valkey, allow):
    allow(alice, tenant=1)
    openai_client = openai.OpenAI(base_url=f"{server}/v1", api_key=alice.secret)
    openai_client.models.list()
    with pytest.raises(openai.RateLimitError) as refusal:
        openai_client.with_options(max_retries=0).models.list()
    headers = refusal.value.response.headers
    assert (refusal.value.code, headers["retry-after"], headers[OPENAIS[0]]) == ("rate_limit_exceeded", "60", "1")
