"""What a worker says of itself: it is ready once it has loaded, and it buries the dead of its machine."""

import os
import signal
import socket
import subprocess
import threading

import pytest

from jobs.models import Worker
from jobs.services import has_ready_worker
from jobs.worker import GpuWorker


@pytest.fixture
def dead_pid():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_killed_workers_readiness_ends_when_the_next_one_starts(transactional_db, dead_pid):
    Worker.objects.create(name="killed", host=socket.gethostname()[:60], pid=dead_pid, ready=True)
    assert has_ready_worker()
    with GpuWorker()._registered():
        assert not has_ready_worker()


def test_a_living_neighbour_is_left_alone(transactional_db):
    Worker.objects.create(name="neighbour", host=socket.gethostname()[:60], pid=os.getpid(), ready=True)
    with GpuWorker()._registered():
        assert has_ready_worker()


def test_a_worker_on_another_machine_is_not_ours_to_judge(transactional_db, dead_pid):
    Worker.objects.create(name="elsewhere", host="elsewhere", pid=dead_pid, ready=True)
    with GpuWorker()._registered():
        assert has_ready_worker()


def test_a_worker_that_was_forgotten_comes_back(transactional_db):
    worker = GpuWorker()
    worker._seen(ready=True)
    assert Worker.objects.get().name == worker.name


class EndlessLoading:
    """A performer that is told to stop while it loads a large checkpoint."""

    loaded = False

    def warm_up(self):
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(5)
        EndlessLoading.loaded = True


def test_a_worker_that_is_stopped_while_it_loads_ends_at_once(transactional_db, settings):
    settings.JOB_PERFORMERS = {"generation.GenerationJob": "tests.jobs.test_worker.EndlessLoading"}
    GpuWorker().work()
    assert not EndlessLoading.loaded
    assert not Worker.objects.exists()
