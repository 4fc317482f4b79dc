"""What jobs come to when they end: charged once, for the day on which they were accepted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status
from jobs.moves import fail, move
from jobs.services import cancel_all
from quotas.ledger import Charge, Reservation, reserve, settle
from quotas.models import LedgerEntry, Spending
from wire.ids import new_id

ROUTE = "/api/v1/generations"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def job(alice):
    """A running job of alice's for two images, with a quote of ten seconds."""
    alice.api.post(ROUTE, {"prompt": "kites", "n": 2})
    return leases.claim(GenerationJob, "w1")


def sums(period="day"):
    """Return what is reserved and spent, in images and milliseconds."""
    row = Spending.objects.filter(period=period).order_by("starts_on").first()
    return row.reserved_images, row.spent_images, row.reserved_ms, row.spent_ms


def held(person, count, now=NOON):
    """Reserve ten seconds and one image for each of so many jobs, and return their ids."""
    made = [new_id("gen") for _ in range(count)]
    reserve(person.tenant, [Reservation(job_id, 10_000, 1) for job_id in made], now=now)
    return made


def test_a_success_costs_its_images(job):
    move(job, Status.SUCCEEDED)
    assert sums() == sums("month") == (0, 2, 0, 0)


def test_a_failure_costs_nothing(job):
    fail(job, "gpu_out_of_memory", "Too large.")
    assert sums() == sums("month") == (0, 0, 0, 0)


def test_a_cancel_before_the_start_costs_nothing(alice):
    made = alice.api.post(ROUTE, {"prompt": "kites"}).json()
    alice.api.post(f"{ROUTE}/{made['id']}/cancel")
    assert sums() == (0, 0, 0, 0)


def test_a_charge_lets_go_of_the_rest(alice):
    (made,) = held(alice, 1)
    settle(alice.tenant.pk, [Charge(made, 4000, 1)])
    assert sums() == sums("month") == (0, 1, 0, 4000)


def test_a_killed_job_neither_doubles_nor_loses(job):
    leases.recover(job, "killed")
    assert sums()[:2] == (2, 0)
    move(leases.claim(GenerationJob, "w2"), Status.SUCCEEDED)
    assert sums()[:2] == (0, 2)
    assert LedgerEntry.objects.count() == 2


def test_a_month_that_ends_while_a_job_runs_is_charged_all_the_same(alice):
    (made,) = held(alice, 1, now=NOON.replace(day=30))
    held(alice, 1, now=NOON + timedelta(days=8))
    settle(alice.tenant.pk, [Charge(made, 4000, 1)])
    assert sums("month") == (0, 1, 0, 4000)
    assert Spending.objects.filter(period="month").latest("starts_on").reserved_images == 1


def test_a_second_settlement_is_refused_by_the_database(alice):
    (made,) = held(alice, 1)
    settle(alice.tenant.pk, [Charge(made, 1, 1)])
    with pytest.raises(IntegrityError), transaction.atomic():
        settle(alice.tenant.pk, [Charge(made, 1, 1)])
    assert sums() == (0, 1, 0, 1)


def test_jobs_that_are_older_than_the_ledger_end_in_peace(alice, job):
    LedgerEntry.objects.all().delete()
    move(job, Status.SUCCEEDED)
    assert not LedgerEntry.objects.exists()


def test_a_hundred_settlements_cost_the_statements_of_one(alice, django_assert_num_queries):
    charges = [Charge(made, 4000, 1) for made in held(alice, 100)]
    with transaction.atomic(), django_assert_num_queries(4):  # entries, entries, day, month
        settle(alice.tenant.pk, charges)
    assert sums() == (0, 100, 0, 400_000)


def test_a_cancelled_batch_is_settled_whole(alice):
    alice.api.post("/api/v1/batches", {"specs": [{"prompt": "a kite"}] * 5})
    cancel_all(GenerationJob.objects.for_tenant(alice.tenant))
    assert sums() == (0, 0, 0, 0)
    assert LedgerEntry.objects.filter(kind="settle").count() == 5
