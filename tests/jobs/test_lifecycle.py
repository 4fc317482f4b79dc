"""What becomes of a claimed job, whatever its performer does."""

import pytest
from django.db import transaction

from generation.engine.errors import CheckpointError, DeviceLost, OutOfMemory
from generation.models import GenerationJob, Image
from jobs import leases
from jobs.lifecycle import WorkerUnfit
from jobs.models import Status
from jobs.services import cancel
from tests.conftest import perform
from tests.fakes import FakeEngine

ROUTE = "/api/v1/generations"


@pytest.fixture
def job(alice):
    """A job of alice's that waits."""
    return GenerationJob.objects.get(pk=alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64"}).json()["id"])


@pytest.fixture
def performed(generations, job):
    """Claim the job and perform it on an engine that first does this."""

    def run(before=lambda: None, *, must_stop=lambda: False):
        class Engine(FakeEngine):
            def generate(self, spec, on_step):
                before()
                return super().generate(spec, on_step)

        generations.engine = Engine("fake")
        try:
            perform(leases.claim(GenerationJob, "w1"), generations, must_stop=must_stop)
        finally:
            job.refresh_from_db()
        return job

    return run


def raising(error):
    """Return a function that raises this."""

    def fail():
        raise error

    return fail


def test_success_stores_the_images_and_the_state_together(performed):
    job = performed()
    assert (job.status, job.images.count(), job.progress_step) == (Status.SUCCEEDED, 1, job.progress_steps)


def test_a_known_failure_is_told_in_its_own_words(performed):
    job = performed(raising(OutOfMemory("Too large for this GPU. Ask for fewer pixels.")))
    assert (job.status, job.error_code) == (Status.FAILED, "gpu_out_of_memory")
    assert job.error_message == "Too large for this GPU. Ask for fewer pixels."


def test_a_servers_paths_are_not_told_to_tenants(performed):
    job = performed(raising(CheckpointError("The checkpoint /srv/weights/secret cannot be read.")))
    assert job.error_code == "checkpoint_unusable"
    assert "/srv" not in job.error_message


def test_a_bug_fails_its_job_without_showing_its_inside(performed):
    job = performed(raising(ZeroDivisionError("secret")))
    assert (job.status, job.error_code) == (Status.FAILED, "internal_error")
    assert "secret" not in job.error_message


def test_a_job_that_cannot_even_begin_fails_and_not_its_worker(job, generations):
    class Broken(FakeEngine):
        def submit(self, spec, on_picture, on_preview, urgency):
            raise ZeroDivisionError("secret")

    generations.engine = Broken("fake")
    perform(leases.claim(GenerationJob, "w1"), generations)
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "internal_error")


def test_a_lost_device_ends_the_worker_and_not_the_job(performed, job):
    with pytest.raises(WorkerUnfit):
        performed(raising(DeviceLost("device-side assert")))
    assert (job.status, job.crashes) == (Status.QUEUED, 1)


def test_cancelling_while_it_runs_stores_nothing(performed, job):
    done = performed(lambda: cancel(GenerationJob.objects.get(pk=job.pk)))
    assert (done.status, Image.objects.count()) == (Status.CANCELLED, 0)


def test_stopping_the_worker_hands_the_job_back(performed):
    job = performed(must_stop=lambda: True)
    assert (job.status, job.crashes, job.attempt) == (Status.QUEUED, 0, 1)


def test_a_result_that_comes_too_late_is_discarded(performed, job):
    def lose_the_lease():
        with transaction.atomic():  # the first worker, which looks meanwhile, sees both or neither
            leases.recover(GenerationJob.objects.get(pk=job.pk), "paused for too long")
            leases.claim(GenerationJob, "w2")

    late = performed(lose_the_lease)
    assert (late.status, late.worker, late.attempt) == (Status.RUNNING, "w2", 2)
    assert not Image.objects.exists()
