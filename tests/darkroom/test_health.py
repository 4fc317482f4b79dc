"""Liveness and readiness: ready means that a picture asked for now would be made."""

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from jobs.models import Worker


@pytest.fixture(autouse=True)
def unprobed():
    """Forget what the last test found out of the storage."""
    caches["process"].clear()


@pytest.fixture
def ready_worker(alice):
    """A worker that was just seen with its checkpoint loaded."""
    return Worker.objects.create(name="w1", ready=True)


def test_it_is_alive_without_anything(client, alice):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_with_a_ready_worker(client, ready_worker):
    assert client.get("/readyz").status_code == 200


def test_it_is_not_ready_before_a_worker_has_loaded(client, ready_worker):
    Worker.objects.update(ready=False)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "no GPU worker" in answer.json()["missing"]["database_and_worker"]


def test_it_is_not_ready_when_the_worker_fell_silent(client, ready_worker, settings):
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=settings.LEASE_SECONDS + 1))
    assert client.get("/readyz").status_code == 503


def test_it_is_not_ready_when_nothing_can_be_stored(client, ready_worker, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    settings.STORAGES = settings.STORAGES | {"default": settings.PICTURES | {"OPTIONS": {"location": blocked}}}
    answer = client.get("/readyz")
    assert (answer.status_code, "storage" in answer.json()["missing"]) == (503, True)


def test_asking_often_writes_one_file(client, ready_worker, monkeypatch):
    saved = []
    monkeypatch.setattr(FileSystemStorage, "save", lambda self, name, content: saved.append(name) or name)
    for _ in range(5):
        assert client.get("/readyz").status_code == 200
    assert len(saved) == 1
