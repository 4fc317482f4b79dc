"""Deadlines: refused when they cannot be met, and what is too late ends, for nothing unless it was begun."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import GenerationJob
from jobs import leases
from jobs.leases import sweep
from jobs.lifecycle import Held
from jobs.models import Status
from tests.jobs.test_holding import ScriptedEngine

ROUTE = "/api/v1/generations"
SOON = "2100-01-01T00:00:00Z"


def let_pass(job):
    """Let the job's deadline pass."""
    GenerationJob.objects.filter(pk=job.pk).update(finish_by=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def job(alice):
    """A job of alice's that waits and has a deadline."""
    return GenerationJob.objects.get(pk=alice.api.post(ROUTE, {"prompt": "a kite", "finish_by": SOON}).json()["id"])


def test_what_waits_too_long_is_cancelled_for_nothing(job, alice):
    let_pass(job)
    sweep()
    said = alice.api.get(f"{ROUTE}/{job.pk}").json()
    assert (said["status"], said["error"]["code"]) == ("cancelled", "deadline_exceeded")
    assert GenerationJob.objects.get().charged_ms == 0


def test_what_runs_too_long_stops_at_its_next_step(job, generations):
    generations.engine = ScriptedEngine("fake")
    held = Held(leases.claim(GenerationJob, "w1"), generations, must_stop=lambda: False, wake=lambda: None)
    assert not held.attend()
    let_pass(job)
    held.job.refresh_from_db()
    sweep()
    held.lease.reported_at = 0.0
    assert held.attend()
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.CANCELLED, "deadline_exceeded")


def test_what_is_in_time_is_left_alone(job):
    assert sweep()
    job.refresh_from_db()
    assert job.status == Status.QUEUED


@pytest.mark.parametrize(("said", "seconds"), [("90", 90), ("90s", 90), ("1m", 60), ("2h", 7200)])
def test_a_header_says_how_long_it_is_wanted(alice, said, seconds):
    alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Cancel-After": said})
    left = GenerationJob.objects.get().finish_by - timezone.now()
    assert seconds - 60 < left.total_seconds() <= seconds


@pytest.mark.parametrize("said", ["", "0", "-1", "1.5m", "1d", "٣", "99999999", "1 m", "721h"])
def test_a_header_that_says_no_time_is_refused(alice, said):
    answer = alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Cancel-After": said})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_cancel_after", "Cancel-After")
    assert not GenerationJob.objects.exists()


def test_the_earlier_of_field_and_header_holds(alice):
    alice.api.post(ROUTE, {"prompt": "a kite", "finish_by": SOON}, headers={"Cancel-After": "1h"})
    assert GenerationJob.objects.get().finish_by < timezone.now() + timedelta(hours=2)


def test_a_deadline_in_the_past_is_refused(alice):
    answer = alice.api.post(ROUTE, {"prompt": "a kite", "finish_by": "2020-01-01T00:00:00Z"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "deadline_impossible", "finish_by")


def test_a_header_that_gives_too_little_time_is_named(alice):
    large = {"prompt": "a kite", "size": "2048x2048", "steps": 100, "finish_by": SOON}
    error = alice.api.post(ROUTE, large, headers={"Cancel-After": "1s"}).json()["error"]
    assert (error["code"], error["param"]) == ("deadline_impossible", "Cancel-After")
    assert error["message"].startswith("Cancel-After (until ")


@pytest.mark.parametrize("said", ["soon", "2030-01-01", "2030-01-01T00:00:00", "2030-02-31T00:00:00Z", "", 5, None])
def test_a_time_that_is_none_is_refused_by_its_field(alice, said):
    error = alice.api.post(ROUTE, {"prompt": "a kite", "finish_by": said}).json()["error"]
    assert (error["param"], error["code"] in ("invalid_value", "invalid_type")) == ("finish_by", True)


def test_a_batch_has_until_then_as_well(alice):
    body = {"specs": [{"prompt": "a kite"}, {"prompt": "a cat"}]}
    answer = alice.api.post("/api/v1/batches", body, headers={"Cancel-After": "5m"})
    assert answer.status_code == 202
    assert all(job.finish_by for job in GenerationJob.objects.all())


def test_who_waits_is_interactive_and_who_does_not_is_standard(alice, run_jobs):
    alice.api.post(ROUTE, {"prompt": "a kite"})
    alice.browser.post("/", {"prompt": "a cat"})
    assert sorted(GenerationJob.objects.values_list("prompt", "tier")) == [
        ("a cat", "interactive"),
        ("a kite", "standard"),
    ]


def test_who_says_a_tier_gets_it(alice):
    alice.api.post(ROUTE, {"prompt": "a kite", "tier": "flex"}, headers={"Prefer": "wait=0"})
    assert GenerationJob.objects.get().tier == "flex"
