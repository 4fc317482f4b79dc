"""What a forecast says: own work first, others' in turn with it, and never more of them than how long it takes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.models import GenerationJob
from jobs import leases
from jobs.forecast import RING_SECONDS, forecast
from jobs.models import Tier, Worker
from quotas.models import Allowance

ROUTE = "/api/v1/generations"
SECOND = 1000


@pytest.fixture
def worker(transactional_db):
    """One worker that is ready."""
    Worker.objects.create(name="w1", host="here", ready=True)


@pytest.fixture
def wait_for(alice, charlie):
    """Let so many jobs of so many seconds wait for this person."""

    def wait(person, count, seconds, **columns):
        for _ in range(count):
            job_id = person.api.post(ROUTE, {"prompt": "a kite"}).json()["id"]
            GenerationJob.objects.filter(pk=job_id).update(estimated_ms=seconds * SECOND, **columns)

    return wait


def finish(person, seconds, tier=Tier.STANDARD):
    return forecast(GenerationJob, person.tenant, seconds * SECOND, tier).finish_p50


def test_alone_a_job_takes_what_it_takes(worker, alice):
    found = forecast(GenerationJob, alice.tenant, 8 * SECOND)
    assert (found.start_p50, found.finish_p50) == (0, 8)
    assert (found.start_p90, found.finish_p90 > 8) == (RING_SECONDS, True)


def test_ones_own_work_comes_first(worker, alice, wait_for):
    wait_for(alice, 3, 10)
    assert finish(alice, 5) == 35


def test_others_take_turns_with_it(worker, alice, charlie, wait_for):
    wait_for(charlie, 100, 10)
    assert finish(alice, 5) == 10  # as much of charlie's as of alice's


def test_others_take_no_longer_than_what_they_wait_for(worker, alice, charlie, wait_for):
    wait_for(charlie, 1, 2)
    assert finish(alice, 50) == 52


def test_who_weighs_twice_as_much_waits_half_as_long_for_others(worker, alice, charlie, wait_for):
    wait_for(charlie, 100, 10)
    Allowance.objects.create(tenant=alice.tenant, weight=2)
    assert finish(alice, 6) == 9


def test_two_workers_take_half_the_time(worker, alice, wait_for):
    Worker.objects.create(name="w2", host="there", ready=True)
    wait_for(alice, 4, 10)
    assert finish(alice, 10) == 25


def test_flex_waits_for_others_but_not_for_ever(worker, alice, charlie, wait_for, settings):
    wait_for(charlie, 10, 10)
    assert finish(alice, 5, Tier.FLEX) == 105
    settings.FLEX_WAIT_SECONDS = 60
    assert finish(alice, 5, Tier.FLEX) == 70


def test_interactive_goes_before_ones_own_standard(worker, alice, wait_for):
    wait_for(alice, 3, 10)
    assert finish(alice, 5, Tier.INTERACTIVE) == 5


def test_what_runs_counts_for_what_is_left_of_it(worker, alice, wait_for):
    wait_for(alice, 1, 10)
    running = leases.claim(GenerationJob, "w1")
    GenerationJob.objects.filter(pk=running.pk).update(progress_step=15, progress_steps=20)
    assert finish(alice, 5) == 7.5


def test_what_may_not_run_side_by_side_starts_later(worker, alice, wait_for):
    Allowance.objects.create(tenant=alice.tenant, running_jobs=1)
    wait_for(alice, 2, 10)
    assert forecast(GenerationJob, alice.tenant, 5 * SECOND).start_p50 == 20


def test_a_forecast_takes_the_same_few_queries_however_much_waits(worker, alice, charlie, wait_for):
    def count():
        with CaptureQueriesContext(connection) as queries:
            finish(alice, 1)
        return len(queries)

    before = count()
    wait_for(alice, 5, 10)
    wait_for(charlie, 5, 10)
    assert count() == before <= 6
