"""The recurring chores: silent workers' jobs come back, lost attempts' files go, old worker rows are forgotten."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from generation import storage
from generation.models import GenerationJob
from jobs import leases
from jobs.models import JobEvent, Status, Worker
from jobs.moves import fail, move
from jobs.scheduler import do_chores, tick

ROUTE = "/api/v1/generations"


@pytest.fixture
def held(alice):
    """A job that a worker holds."""
    alice.api.post(ROUTE, {"prompt": "a kite"})
    return leases.claim(GenerationJob, "w1")


def test_a_tick_requeues_what_fell_silent_and_rings(held, valkey):
    valkey.flushall()
    GenerationJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tick()
    held.refresh_from_db()
    assert held.status == Status.QUEUED
    assert valkey.llen("rq:queue:wake") == 1


ENDS = {
    "lost": lambda held: leases.recover(held, "test"),
    "cancelled": lambda held: move(held, Status.CANCELLED),
    "failed": lambda held: fail(held, "internal_error", "It broke."),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_files_of_an_attempt_without_success_are_removed_later(held, end):
    key = storage.write(held, "0.png", b"half a picture")
    end(held)
    do_chores()
    assert default_storage.exists(key)
    JobEvent.objects.update(at=timezone.now() - timedelta(hours=2))
    do_chores()
    assert not default_storage.exists(key)


def test_the_files_of_images_are_never_removed(alice, make_image):
    image = make_image(alice)
    JobEvent.objects.update(at=timezone.now() - timedelta(hours=2))
    do_chores()
    assert default_storage.exists(image.blob)


def test_a_worker_that_is_long_gone_is_forgotten(alice):
    Worker.objects.create(name="old", seen_at=timezone.now() - timedelta(hours=2))
    Worker.objects.create(name="new")
    do_chores()
    assert [worker.name for worker in Worker.objects.all()] == ["new"]


def test_a_chore_that_finds_the_store_down_does_not_stop_the_others(alice, held, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("where a folder should be")
    JobEvent.objects.create(tenant=alice.tenant, job_id=held.pk, attempt=1, name="requeued", status=Status.QUEUED)
    JobEvent.objects.update(at=timezone.now() - timedelta(hours=2))
    settings.STORAGES = settings.STORAGES | {"default": settings.PICTURES | {"OPTIONS": {"location": blocked}}}
    settings.CHORES = ["generation.storage.probe", "generation.storage.remove_orphans"]
    Worker.objects.create(name="old", seen_at=timezone.now() - timedelta(hours=2))
    do_chores()
    assert not Worker.objects.exists()
