"""What does a receiver get? What Standard Webhooks promises, as its library and OpenAI's client verify it."""

import json
from datetime import UTC, datetime, timedelta

import openai
import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from generation.models import GenerationJob
from jobs.models import Status
from tests.webhooks.conftest import ROUTE
from webhooks.letters import letter_of
from webhooks.models import Delivery, Message, Secret
from webhooks.outbox import Happening, record

GENERATIONS = "/api/v1/generations"
SPEC = {"prompt": "a red kite", "size": "64x64", "steps": 1}


@pytest.fixture
def make_picture(alice, run_jobs):
    """Ask for a picture and see it made; return the job's id."""

    def make(**fields):
        job = alice.api.post(GENERATIONS, {**SPEC, **fields}).json()["id"]
        run_jobs()
        return job

    return make


def test_the_end_of_a_job_arrives_signed_with_the_job_as_it_is_shown(alice, listen, site, office, make_picture):
    hook = listen(alice, events=["job.completed"])
    job = make_picture()
    office.send_due()
    (post,) = site.received
    event = Webhook(hook["secret"]).verify(post.body, post.headers)
    assert event["type"] == "job.completed"
    assert event["data"] == alice.api.get(f"{GENERATIONS}/{job}").json()
    assert post.headers["content-type"] == "application/json"


def test_a_start_that_is_told_late_is_told_as_it_was(alice, listen, site, office, make_picture):
    listen(alice, events=["job.started"])
    job = make_picture()
    office.send_due()
    told = json.loads(site.received[0].body)["data"]
    assert (told["id"], told["status"], told["completed_at"], told["images"]) == (job, "running", None, [])
    assert (told["progress"]["step"], told["cost"]["charged"]) == (0, None)


def test_openais_client_verifies_our_messages(alice, listen, site, office, make_picture):
    client = openai.OpenAI(api_key="none", webhook_secret=listen(alice, events=["job.completed"])["secret"])
    make_picture()
    office.send_due()
    (post,) = site.received
    client.webhooks.verify_signature(post.body, post.headers)
    assert client.webhooks.unwrap(post.body, post.headers).type == "job.completed"
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(post.body + " ", post.headers)


def test_an_address_that_a_request_names_gets_messages_signed_for_the_tenant(
    alice, site, office, make_picture, settings
):
    settings.WEBHOOK_HOSTS = [f"pictures.example:{site.port}"]
    job = make_picture(webhook={"url": site.serve("/mine", b""), "events": ["completed"]})
    office.send_due()
    (secret,) = alice.api.get(f"{ROUTE}/secret").json()["data"]
    (post,) = site.received
    assert Webhook(secret["secret"]).verify(post.body, post.headers)["data"]["id"] == job


def test_while_a_secret_is_replaced_both_verify(alice, listen, site, office):
    hook = listen(alice)
    renewed = alice.api.post(f"{ROUTE}/{hook['id']}/rotate").json()["secret"]
    alice.api.post(f"{ROUTE}/{hook['id']}/test")
    office.send_due()
    (post,) = site.received
    for secret in (hook["secret"], renewed):
        assert Webhook(secret).verify(post.body, post.headers)["type"] == "webhook.test"


def test_a_secret_that_has_retired_signs_nothing(alice, listen, site, office):
    hook = listen(alice)
    alice.api.post(f"{ROUTE}/{hook['id']}/rotate")
    Secret.objects.exclude(retires_at=None).update(retires_at=datetime(2026, 1, 1, tzinfo=UTC))
    alice.api.post(f"{ROUTE}/{hook['id']}/test")
    office.send_due()
    with pytest.raises(WebhookVerificationError):
        Webhook(hook["secret"]).verify(site.received[0].body, site.received[0].headers)


def test_a_tampered_message_is_refused_by_the_library(alice, listen, site, office):
    hook = listen(alice)
    alice.api.post(f"{ROUTE}/{hook['id']}/test")
    office.send_due()
    (post,) = site.received
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(hook["secret"]).verify(post.body.replace("webhook.test", "webhook.tests"), post.headers)


def test_a_message_that_somebody_repeats_later_is_refused_by_the_library(alice, listen):
    hook = listen(alice)
    alice.api.post(f"{ROUTE}/{hook['id']}/test")
    letter = letter_of(Delivery.objects.get(), timezone.now() - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(hook["secret"]).verify(letter.body, letter.headers)


def test_our_signature_is_that_of_the_official_vector(alice, listen):
    """The vector of github.com/standard-webhooks/standard-webhooks."""
    listen(alice)
    record([Happening(alice.tenant.pk, "job.completed", "gen_1")])
    delivery = Delivery.objects.get()
    Secret.objects.update(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    delivery.message = Message(pk="msg_p5jXN8AQM9LWM0D4loKWxJek", body='{"test": 2432232314}')
    letter = letter_of(delivery, datetime.fromtimestamp(1614265330, UTC))
    assert letter.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert letter.headers["webhook-timestamp"] == "1614265330"


def test_a_receiver_that_asks_at_once_finds_what_it_was_told(alice, listen, site, office, make_picture):
    listen(alice, events=["job.completed"])
    found = []

    def ask(handler):
        found.append(Status(GenerationJob.objects.get(pk=json.loads(site.received[-1].body)["data"]["id"]).status))
        handler.send_response(204)
        handler.end_headers()

    site.serve_by("/hook", ask)
    make_picture()
    office.send_due()
    assert found == [Status.SUCCEEDED]


def test_the_log_tells_how_a_delivery_went(alice, listen, office):
    hook = listen(alice)
    sent = alice.api.post(f"{ROUTE}/{hook['id']}/test").json()
    assert (sent["state"], sent["attempts"]) == ("pending", [])
    office.send_due()
    (shown,) = alice.api.get(f"{ROUTE}/{hook['id']}/deliveries").json()["data"]
    assert (shown["id"], shown["state"], shown["next_attempt_at"]) == (sent["id"], "delivered", None)
    assert [(each["status"], each["error"]) for each in shown["attempts"]] == [(200, "")]
