"""Leases: renewed by progress, lapsed by silence, ended by cancel, three crashes at most."""

from datetime import timedelta

import pytest
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from generation.models import GenerationJob
from jobs import leases
from jobs.leases import CancelRequested, HandBack, Lease, sweep
from jobs.models import Status
from jobs.moves import LostLease
from jobs.services import cancel

pytestmark = pytest.mark.usefixtures("job")


@pytest.fixture
def job(alice):
    """A job of alice's that waits."""
    return GenerationJob.objects.get(pk=alice.api.post("/api/v1/generations", {"prompt": "a kite"}).json()["id"])


def silence(job):
    """Let the lease of a running job lapse."""
    GenerationJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_progress_renews_the_lease():
    held = leases.claim(GenerationJob, "w1")
    silence(held)
    Lease(held).report(3, 20, pulse=1)
    held.refresh_from_db()
    assert held.lease_until > timezone.now()
    assert (held.progress_step, held.progress_steps) == (3, 20)


def test_work_that_hangs_does_not_renew_the_lease():
    held, stuck = leases.claim(GenerationJob, "w1"), 7
    lease = Lease(held)
    lease.report(3, 20, pulse=stuck)
    silence(held)
    lease.reported_at = 0.0  # long ago
    lease.report(3, 20, pulse=stuck)
    held.refresh_from_db()
    assert held.lease_until < timezone.now()


def test_a_silent_worker_loses_its_job(job):
    held = leases.claim(GenerationJob, "w1")
    silence(held)
    assert sweep() == 1
    with pytest.raises(LostLease):
        Lease(held).report(3, 20, pulse=1)


def test_a_worker_that_wakes_up_renews_no_lease_of_anothers(job):
    sleeper = leases.claim(GenerationJob, "w1")
    silence(sleeper)
    sweep()
    leases.claim(GenerationJob, "w2")
    with pytest.raises(LostLease):
        Lease(sleeper).report(3, 20, pulse=1)


def test_a_living_lease_is_left_alone(job):
    leases.claim(GenerationJob, "w1")
    assert sweep() == 0
    job.refresh_from_db()
    assert job.status == Status.RUNNING


@pytest.mark.parametrize("crashes", [0, 2])
def test_a_job_whose_worker_speaks_up_while_it_is_swept_is_left_alone(job, crashes):
    found = leases.claim(GenerationJob, "w1")  # as a sweep found it; its lease has been renewed since
    found.crashes = crashes
    leases.recover(found, "worker fell silent", Q(lease_until__lt=Now()))
    job.refresh_from_db()
    assert (job.status, job.crashes) == (Status.RUNNING, 0)


def test_three_crashes_end_a_job(job):
    for _ in range(3):
        silence(leases.claim(GenerationJob, "w1"))
        sweep()
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempt) == (Status.FAILED, "worker_crashed", 3)


def test_what_crashed_waits_behind_what_did_not(job, alice):
    silence(leases.claim(GenerationJob, "w1"))
    sweep()
    second = alice.api.post("/api/v1/generations", {"prompt": "another"}).json()["id"]
    assert leases.claim(GenerationJob, "w2").pk == second


def test_what_crashed_waits_for_a_worker_that_holds_nothing_else(job):
    silence(leases.claim(GenerationJob, "w1"))
    sweep()
    assert leases.claim(GenerationJob, "w2", alone=False) is None
    assert leases.claim(GenerationJob, "w2", alone=True).pk == job.pk


def test_a_cancelled_job_whose_worker_dies_is_cancelled(job):
    held = leases.claim(GenerationJob, "w1")
    cancel(held)
    silence(held)
    sweep()
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_cancelling_reaches_the_worker_at_its_next_report():
    held = leases.claim(GenerationJob, "w1")
    cancel(GenerationJob.objects.get(pk=held.pk))
    with pytest.raises(CancelRequested):
        Lease(held).report(1, 20, pulse=1)


def test_a_worker_that_must_stop_hands_back():
    held = leases.claim(GenerationJob, "w1")
    with pytest.raises(HandBack):
        Lease(held, must_stop=lambda: True).report(1, 20, pulse=1)


def test_a_cancel_that_meets_a_recovery_cancels(job):
    found = leases.claim(GenerationJob, "dead")  # as a sweep found it
    cancel(GenerationJob.objects.get(pk=job.pk))
    leases.recover(found, "worker fell silent")
    job.refresh_from_db()
    assert (job.status, job.charged_ms) == (Status.CANCELLED, 0)
