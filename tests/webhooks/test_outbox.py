"""What is written down when jobs move? One message for what anybody wants to hear of, in the move's transaction."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status
from jobs.moves import move
from webhooks.models import Delivery, Message
from webhooks.outbox import Happening, record

GENERATIONS = "/api/v1/generations"
URL = "https://93.184.216.34/hook"
SPEC = {"prompt": "a red kite", "size": "64x64", "steps": 1}


def told() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("pk").values_list("type", "subject"))


def test_a_job_tells_when_it_starts_and_when_it_ends(alice, listen, run_jobs):
    listen(alice)
    job = alice.api.post(GENERATIONS, SPEC).json()["id"]
    assert told() == []
    run_jobs()
    assert told() == [("job.started", job), ("job.completed", job)]


def test_an_endpoint_hears_of_what_it_chose(alice, listen, run_jobs):
    listen(alice, "/ends", events=["job.completed"])
    listen(alice, "/all")
    alice.api.post(GENERATIONS, SPEC)
    run_jobs()
    heard = Delivery.objects.values_list("message__type", "url")
    assert sorted((kind, url.rpartition("/")[2]) for kind, url in heard) == [
        ("job.completed", "all"),
        ("job.completed", "ends"),
        ("job.started", "all"),
    ]
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("webhook", "kinds"),
    [
        (URL, ["job.started", "job.completed"]),
        ({"url": URL}, ["job.started", "job.completed"]),
        ({"url": URL, "events": ["completed"]}, ["job.completed"]),
        ({"url": URL, "events": ["job.completed"]}, ["job.completed"]),
        ({"url": URL, "events": ["job.started", "started"]}, ["job.started"]),
    ],
)
def test_an_address_that_the_request_names_hears_of_its_job(alice, run_jobs, webhook, kinds):
    alice.api.post(GENERATIONS, {**SPEC, "webhook": webhook})
    alice.api.post(GENERATIONS, SPEC)
    run_jobs()
    sent = Delivery.objects.order_by("pk")
    assert [each.message.type for each in sent] == kinds
    assert {(each.url, each.endpoint) for each in sent} == {(URL, None)}


@pytest.mark.parametrize(
    ("webhook", "param", "code"),
    [
        ("https://10.0.0.1/", "webhook.url", "invalid_webhook_url"),
        ({"url": "http://example.com/"}, "webhook.url", "invalid_webhook_url"),
        ({"url": URL + "a" * 4096}, "webhook.url", "invalid_webhook_url"),
        ({"url": URL, "events": ["output"]}, "webhook.events", "invalid_value"),
        ({}, "webhook.url", "missing_required_parameter"),
        (7, "webhook", "invalid_type"),
    ],
)
def test_a_request_with_a_wrong_webhook_is_refused_by_its_field(alice, webhook, param, code):
    refused = alice.api.post(GENERATIONS, {**SPEC, "webhook": webhook})
    assert refused.status_code == 400
    assert (refused.json()["error"]["param"], refused.json()["error"]["code"]) == (param, code)
    assert not GenerationJob.objects.exists()


def test_each_job_of_a_batch_tells_the_address_of_its_defaults(alice, run_jobs):
    batch = {"specs": [SPEC, {**SPEC, "webhook": "https://10.0.0.1/"}], "defaults": {"webhook": URL}}
    assert alice.api.post("/api/v1/batches", batch).json()["error"]["param"] == "specs[1].webhook.url"
    alice.api.post("/api/v1/batches", {"specs": [SPEC, SPEC], "defaults": {"webhook": URL}})
    run_jobs()
    assert sorted(kind for kind, _ in told()) == ["job.completed"] * 2 + ["job.started"] * 2


def test_a_move_that_is_rolled_back_tells_nothing(alice, listen):
    listen(alice)
    alice.api.post(GENERATIONS, SPEC)
    with transaction.atomic():
        job = leases.claim(GenerationJob, "w1")
        assert told() == [("job.started", job.pk)]
        transaction.set_rollback(True)
    assert told() == []
    assert GenerationJob.objects.get().status == Status.QUEUED


def test_a_job_that_goes_back_to_the_queue_starts_again(alice, listen):
    listen(alice)
    alice.api.post(GENERATIONS, SPEC)
    move(leases.claim(GenerationJob, "w1"), Status.QUEUED)
    leases.claim(GenerationJob, "w2")
    assert [kind for kind, _ in told()] == ["job.started", "job.started"]


def test_other_tenants_hear_nothing(alice, charlie, listen, run_jobs):
    listen(charlie)
    alice.api.post(GENERATIONS, SPEC)
    run_jobs()
    assert told() == []


def test_a_disabled_endpoint_hears_nothing(alice, listen, run_jobs):
    own = f"/api/v1/webhooks/{listen(alice)['id']}"
    alice.api.patch(own, {"status": "disabled"}, content_type="application/json")
    alice.api.post(GENERATIONS, SPEC)
    run_jobs()
    assert told() == []


def test_what_nobody_wants_costs_one_query_and_the_rest_three(alice, listen):
    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as captured, transaction.atomic():
            record([Happening(alice.tenant.pk, "job.completed", f"gen_{number}", URL) for number in range(count)])
        return sum("SELECT " in each["sql"] or "INSERT " in each["sql"] for each in captured)

    assert queries(0) == 0
    assert queries(1) == queries(50) == 3
    with CaptureQueriesContext(connection) as captured:
        record([Happening(alice.tenant.pk, "job.completed", "gen_1")])
    assert len(captured) == 1
