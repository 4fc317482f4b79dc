"""What a waiting job says of itself: place, time and reasons, and nothing of other tenants."""

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Worker
from jobs.prospects import positions, prospects
from quotas.models import Allowance

ROUTE = "/api/v1/generations"
SOON = "2100-01-01T00:00:00Z"


@pytest.fixture
def worker(transactional_db):
    """One worker that is ready."""
    Worker.objects.create(name="w1", host="here", ready=True)


@pytest.fixture
def ask(alice, charlie):
    """Ask for a job of ten GPU-seconds."""

    def ask_as(person, **fields):
        job_id = person.api.post(ROUTE, {"prompt": "a kite", **fields}).json()["id"]
        GenerationJob.objects.filter(pk=job_id).update(estimated_ms=10_000)
        return job_id

    return ask_as


def queue_of(person, job_id):
    return person.api.get(f"{ROUTE}/{job_id}").json()["queue"]


def codes(queue):
    return [reason["code"] for reason in queue["reasons"]]


def test_a_job_knows_what_comes_before_it_and_when_it_is_done(alice, worker, ask):
    ask(alice)
    queue = queue_of(alice, ask(alice))
    left = datetime.fromisoformat(queue["eta_p50"]) - timezone.now()
    assert (queue["position"], queue["ahead_seconds"], codes(queue)) == (2, 10.0, ["own_jobs_ahead"])
    assert 18 < left.total_seconds() <= 20
    assert queue["eta_p90"] > queue["eta_p50"]


def test_without_a_worker_nobody_knows_when(alice, ask):
    queue = queue_of(alice, ask(alice))
    assert (queue["eta_p50"], codes(queue)) == (None, ["no_worker"])


def test_interactive_comes_first_of_ones_own(alice, worker, ask):
    standard, interactive = ask(alice), ask(alice, tier="interactive")
    assert (queue_of(alice, interactive)["position"], queue_of(alice, standard)["position"]) == (1, 2)


def test_of_others_a_job_says_only_that_they_take_turns(alice, charlie, worker, ask):
    theirs = [ask(charlie) for _ in range(7)]
    queue = queue_of(alice, ask(alice))
    assert (queue["position"], queue["ahead_seconds"], codes(queue)) == (1, 0.0, ["others_turn"])
    said = str(queue)
    assert "7" not in said.replace(queue["eta_p50"], "").replace(queue["eta_p90"], "")
    assert not any(each in said for each in [*theirs, charlie.tenant.pk, charlie.tenant.name])


def test_flex_says_that_it_waits(alice, charlie, worker, ask):
    ask(charlie)
    assert "flex_waits" in codes(queue_of(alice, ask(alice, tier="flex")))


def test_who_is_at_the_limit_hears_so(alice, worker, ask):
    Allowance.objects.create(tenant=alice.tenant, running_jobs=1)
    ask(alice)
    assert leases.claim(GenerationJob, "w1")
    assert codes(queue_of(alice, ask(alice))) == ["running_limit"]


def test_a_suspect_says_that_it_runs_alone(alice, worker, ask):
    job_id = ask(alice)
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")
    assert codes(queue_of(alice, job_id)) == ["runs_alone"]


def test_who_is_next_hears_that_it_waits_for_a_worker(alice, worker, ask):
    ask(alice)
    assert leases.claim(GenerationJob, "w1")
    queue = queue_of(alice, ask(alice))
    assert (queue["position"], codes(queue)) == (1, ["worker_busy"])


def test_a_deadline_that_will_hardly_be_met_is_told(alice, worker, ask):
    for _ in range(3):
        ask(alice, tier="interactive")
    job_id = alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Cancel-After": "20"}).json()["id"]
    assert "deadline_at_risk" in codes(queue_of(alice, job_id))


def test_what_would_be_late_goes_before_its_equals(alice, worker, ask):
    ask(alice)
    urgent = alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Cancel-After": "12"}).json()["id"]
    assert queue_of(alice, urgent)["position"] == 1
    assert leases.claim(GenerationJob, "w1").pk == urgent


def count(act):
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


def test_a_page_of_waiting_jobs_takes_as_many_queries_as_one(alice, charlie, worker, ask):
    ask(alice)
    one = count(lambda: alice.api.get(f"{ROUTE}?limit=100"))
    for _ in range(10):
        ask(alice)
        ask(charlie)
    assert count(lambda: alice.api.get(f"{ROUTE}?limit=100")) == one


def test_places_of_many_tenants_take_one_query(alice, charlie, ask):
    mine, theirs = ask(alice), ask(charlie)
    tenants = [alice.tenant.pk, charlie.tenant.pk]
    assert positions(GenerationJob, tenants) == {mine: 1, theirs: 1}
    assert count(lambda: positions(GenerationJob, tenants)) == 1


def test_places_take_one_query_more_however_many_are_wanted_by_some_time(alice, charlie, ask):
    tenants = [alice.tenant.pk, charlie.tenant.pk]
    for _ in range(3):
        for person in (alice, charlie):
            ask(person, finish_by=SOON)
            assert count(lambda: positions(GenerationJob, tenants)) == 2


def test_what_no_longer_waits_stands_nowhere(alice, ask):
    job_id = ask(alice)
    leases.claim(GenerationJob, "w1")
    assert prospects(GenerationJob, alice.tenant.pk, [job_id]) == {}
