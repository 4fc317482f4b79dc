"""Ask for many generations at once: all of them or none, followed as one, cancelled as one."""

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from generation.batches.views import Batches
from generation.models import Batch, GenerationJob, GenerationLora
from jobs import leases
from jobs.models import JobEvent
from tests.generation.batches.conftest import BATCHES, SMALL

GENERATIONS = "/api/v1/generations"


def refusal(person, body):
    answer = person.api.post(BATCHES, body)
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]


def test_a_batch_is_accepted_and_drawn(alice, run_jobs):
    answer = alice.api.post(BATCHES, {"specs": [{"prompt": "a kite"}, {"n": 2}], "defaults": SMALL})
    assert (answer.status_code, answer["Location"]) == (202, answer.json()["urls"]["self"])
    assert (answer.json()["status"], answer.json()["counts"]["queued"]) == ("queued", 2)
    run_jobs()
    done = alice.api.get(answer["Location"]).json()
    assert (done["status"], done["counts"]["succeeded"], done["images"]) == ("succeeded", 2, 3)
    assert done["completed_at"] > done["created_at"]


def test_each_spec_completes_itself_with_the_defaults(alice):
    defaults = {"prompt": "a kite", "size": "64x96", "steps": 3}
    batch = alice.api.post(BATCHES, {"specs": [{}, {"steps": 5, "width": 128, "height": 64}], "defaults": defaults})
    jobs = GenerationJob.objects.filter(batch=batch.json()["id"]).order_by("batch_index")
    assert [(job.prompt, job.steps, job.width, job.height) for job in jobs] == [
        ("a kite", 3, 64, 96),
        ("a kite", 5, 128, 64),
    ]


def test_generations_are_drawn_in_the_order_in_which_they_were_asked(alice):
    batch = alice.api.post(BATCHES, {"specs": [{"prompt": f"kite {i}"} for i in range(30)]}).json()
    claimed = [leases.claim(GenerationJob, "w1") for _ in range(30)]
    assert [job.batch_index for job in claimed] == list(range(30))
    assert {job.batch_id for job in claimed} == {batch["id"]}


def test_a_batch_leads_to_its_generations(alice, make_batch):
    alice.api.post(GENERATIONS, {"prompt": "alone"})
    batch = make_batch(alice, {"prompt": "first"}, {"prompt": "second"})
    listed = alice.api.get(batch["urls"]["generations"]).json()["data"]
    assert [(job["batch"], job["batch_index"], job["spec"]["prompt"]) for job in listed] == [
        (batch["id"], 1, "second"),
        (batch["id"], 0, "first"),
    ]


def test_a_batch_runs_while_any_of_it_is_alive(alice):
    batch = alice.api.post(BATCHES, {"specs": [SMALL, SMALL]}).json()
    leases.claim(GenerationJob, "w1")
    alice.api.post(f"{GENERATIONS}/{GenerationJob.objects.latest('pk').pk}/cancel")
    now = alice.api.get(batch["urls"]["self"]).json()
    assert (now["status"], now["completed_at"]) == ("running", None)
    assert now["counts"] == {"queued": 0, "running": 1, "succeeded": 0, "failed": 0, "cancelled": 1}


def test_a_batch_of_which_one_failed_has_failed(alice, make_batch):
    batch = make_batch(alice, {}, {})
    GenerationJob.objects.filter(batch_index=1).update(status="failed")
    now = alice.api.get(batch["urls"]["self"]).json()
    assert (now["status"], now["counts"]["succeeded"], now["counts"]["failed"]) == ("failed", 1, 1)


def test_cancelling_ends_what_waits_and_asks_what_runs_to_stop(alice):
    batch = alice.api.post(BATCHES, {"specs": [SMALL] * 3}).json()
    held = leases.claim(GenerationJob, "w1")
    counts = alice.api.post(batch["urls"]["cancel"]).json()["counts"]
    held.refresh_from_db()
    assert (counts["running"], counts["cancelled"], bool(held.cancel_requested_at)) == (1, 2, True)
    assert JobEvent.objects.filter(name="cancelled", status="cancelled").count() == 2
    assert leases.claim(GenerationJob, "w2") is None


def test_a_finished_batch_cannot_be_cancelled(alice, make_batch):
    answer = alice.api.post(make_batch(alice, {})["urls"]["cancel"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "job_already_finished")


def test_cancelling_twice_is_harmless(alice):
    batch = alice.api.post(BATCHES, {"specs": [SMALL]}).json()
    answers = [alice.api.post(batch["urls"]["cancel"]) for _ in range(2)]
    assert [answer.json()["status"] for answer in answers] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"specs": [SMALL, {**SMALL, "steps": 500}]}, "integer_above_max_value", "specs[1].steps"),
        ({"specs": [SMALL, {}]}, "missing_required_parameter", "specs[1].prompt"),
        ({"specs": [SMALL, "a kite"]}, "invalid_type", "specs[1]"),
        ({"specs": [{**SMALL, "colour": "red"}]}, "unknown_parameter", "specs[0].colour"),
        ({"specs": [{**SMALL, "loras": [{"weight": 9}]}]}, "number_out_of_range", "specs[0].loras[0].weight"),
        ({"specs": [SMALL, {**SMALL, "loras": [{"name": "x"}]}]}, "lora_not_found", "specs[1].loras[0]"),
        ({"specs": [{**SMALL, "checkpoint": "x"}]}, "model_not_found", "specs[0].checkpoint"),
        ({"specs": [{**SMALL, "size": "2048x2048", "steps": 100, "n": 10}]}, "job_too_large", "specs[0]"),
        ({"specs": [{}], "defaults": {**SMALL, "steps": 500}}, "integer_above_max_value", "defaults.steps"),
        ({"specs": []}, "empty_list", "specs"),
        ({"specs": {}}, "invalid_type", "specs"),
        ({"specs": [SMALL] * 101}, "list_too_long", "specs"),
        ({"specs": [SMALL], "defaults": []}, "invalid_type", "defaults"),
        ({"defaults": SMALL}, "missing_required_parameter", "specs"),
        ({"specs": [SMALL], "n": 2}, "unknown_parameter", "n"),
    ],
)  # fmt: skip
def test_one_refused_spec_is_named_and_nothing_is_made(alice, body, code, param):
    status = 404 if code.endswith("not_found") else 400
    assert refusal(alice, body) == (status, code, param)
    assert not Batch.objects.exists()
    assert not GenerationJob.objects.exists()


def test_a_batch_for_which_too_many_wait_is_refused_whole(alice, allow):
    allow(alice, queued_jobs=3)
    alice.api.post(GENERATIONS, SMALL)
    assert refusal(alice, {"specs": [SMALL] * 3}) == (429, "queue_full", None)
    assert (Batch.objects.count(), GenerationJob.objects.count()) == (0, 1)


def test_members_share_a_batch_and_to_others_it_looks_like_none(alice, bob, charlie, make_batch):
    batch = make_batch(alice, {})
    assert bob.api.get(batch["urls"]["self"]).json()["images"] == 1
    foreign = charlie.api.get(batch["urls"]["self"])
    missing = charlie.api.get(f"{BATCHES}/batch_00000000000000000000000000")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert charlie.api.get(BATCHES).json()["data"] == []


@pytest.mark.parametrize("route", ["/archive", "/sheet", "/cancel"])
def test_no_door_of_a_batch_tells_others_of_it(alice, charlie, make_batch, route):
    ways = [f"{BATCHES}/{id}{route}" for id in (make_batch(alice, {})["id"], "batch_" + "0" * 26, "%00")]
    answers = [(charlie.api.post if route == "/cancel" else charlie.api.get)(way) for way in ways]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[1].content)}


def test_others_generations_are_not_listed_by_their_batch(alice, charlie, make_batch):
    answer = charlie.api.get(f"{GENERATIONS}?batch={make_batch(alice, {})['id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_lists_are_paged_newest_first_at_the_same_cost(alice, django_assert_num_queries):
    made = [alice.api.post(BATCHES, {"specs": [SMALL] * 2}).json()["id"] for _ in range(5)]
    request = RequestFactory().get(f"{BATCHES}?limit=4", headers={"Authorization": f"Bearer {alice.secret}"})
    with django_assert_num_queries(3):  # key, page, tallies
        first = Batches.as_view()(request).data
    rest = alice.api.get(f"{BATCHES}?limit=4&after={first['last_id']}").json()
    assert [batch["id"] for batch in first["data"] + rest["data"]] == made[::-1]


def queries_of(person, count, **fields):
    """Return the statements that it takes to ask for so many generations like this: all, and those that write.

    SQLite takes 999 values in one: a hundred generations are some more there.
    """
    with CaptureQueriesContext(connection) as captured:
        assert person.api.post(BATCHES, {"specs": [SMALL | fields] * count}).status_code == 202
    statements = [query["sql"].rpartition("; ")[2] for query in captured]  # PostgreSQL is told for whom first
    return len(captured), sum(not statement.startswith("SELECT") for statement in statements)


def test_a_batch_takes_as_many_queries_as_one_spec(alice):
    queries_of(alice, 1)  # also notes that the key is in use
    assert queries_of(alice, 1) == queries_of(alice, 10)


def test_each_spec_with_loras_is_one_query_more_and_no_statement_that_writes(alice, shelve):
    shelve("kites")
    queries_of(alice, 1)
    loras = [{"name": "kites"}]
    (few, few_writes), (many, many_writes) = (queries_of(alice, count, loras=loras) for count in (1, 10))
    assert (many - few, many_writes - few_writes) == (9, 0)
    assert GenerationLora.objects.count() == 11


def test_cancelling_costs_the_same_queries_however_many_wait(alice, django_assert_num_queries):
    few, many = (alice.api.post(BATCHES, {"specs": [SMALL] * count}).json() for count in (1, 20))
    with CaptureQueriesContext(connection) as captured:
        alice.api.post(few["urls"]["cancel"])
    with django_assert_num_queries(len(captured)):
        alice.api.post(many["urls"]["cancel"])
