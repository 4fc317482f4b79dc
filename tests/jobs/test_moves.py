"""A job's moves: each made once, fenced, and remembered."""

import pytest
from django.db import IntegrityError, transaction

from generation.models import GenerationJob
from jobs import leases
from jobs.models import JobEvent, Status
from jobs.moves import MOVES, LostLease, fail, move

ALL = list(Status)


@pytest.fixture
def job(alice):
    """A job of alice's that waits."""
    return GenerationJob.objects.get(pk=alice.api.post("/api/v1/generations", {"prompt": "a kite"}).json()["id"])


def test_each_move_leaves_an_event(job):
    claimed = leases.claim(GenerationJob, "w1")
    move(claimed, Status.SUCCEEDED)
    events = JobEvent.objects.filter(job_id=job.pk).order_by("id").values_list("name", "attempt")
    assert list(events) == [("accepted", 0), ("claimed", 1), ("succeeded", 1)]


def test_a_claim_starts_a_new_attempt_with_a_lease(job):
    claimed = leases.claim(GenerationJob, "w1")
    assert (claimed.status, claimed.attempt, claimed.worker) == (Status.RUNNING, 1, "w1")
    assert claimed.lease_until > claimed.started_at


def test_nothing_waiting_is_nothing_claimed(job):
    leases.claim(GenerationJob, "w1")
    assert leases.claim(GenerationJob, "w2") is None


def test_a_worker_that_lost_its_lease_changes_nothing(job):
    stale = leases.claim(GenerationJob, "w1")
    leases.recover(GenerationJob.objects.get(pk=job.pk), "test")
    fresh = leases.claim(GenerationJob, "w2")
    with pytest.raises(LostLease):
        move(stale, Status.SUCCEEDED)
    fresh.refresh_from_db()
    assert (fresh.status, fresh.attempt) == (Status.RUNNING, 2)


@pytest.mark.parametrize("end", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
def test_a_finished_job_never_moves_again(job, end):
    claimed = leases.claim(GenerationJob, "w1")
    move(claimed, end)
    for to in ALL:
        with pytest.raises(KeyError):
            move(claimed, to)


def test_the_database_itself_refuses_a_second_end(job):
    fail(leases.claim(GenerationJob, "w1"), "broken", "It broke.")
    with pytest.raises(IntegrityError), transaction.atomic():
        JobEvent.objects.create(tenant_id=job.tenant_id, job_id=job.pk, attempt=1, name="x", status=Status.SUCCEEDED)


def test_the_table_of_moves_has_no_way_out_of_an_end():
    assert {start for start, _ in MOVES} == {Status.QUEUED, Status.RUNNING}
