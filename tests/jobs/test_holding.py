"""A worker holds several jobs at a time: how one of them ends, the others do not notice."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from generation.engine.errors import DeviceLost, OutOfMemory
from generation.engine.spec import StepReport
from generation.models import GenerationJob
from jobs import leases
from jobs.lifecycle import WorkerUnfit
from jobs.models import JobEvent, Status, Worker
from jobs.services import cancel
from jobs.worker import GpuWorker
from tests.fakes import FakeEngine

ROUTE = "/api/v1/generations"


class ScriptedEngine(FakeEngine):
    """Does what the prompt says: runs out of memory, dies, or waits at a gate before it draws."""

    def __init__(self, checkpoint):
        super().__init__(checkpoint)
        self.threads, self.gate = ThreadPoolExecutor(8), threading.Event()

    def generate(self, spec, on_step):
        if spec.prompt == "too large":
            raise OutOfMemory("Too large for this GPU.")
        if spec.prompt == "poison":
            raise DeviceLost("an illegal memory access")
        while not self.gate.wait(0.005):
            on_step(StepReport(1, spec.steps))
        return super().generate(spec, on_step)


@pytest.fixture
def engine(generations):
    """An engine whose gate is shut."""
    generations.engine = ScriptedEngine("fake")
    yield generations.engine
    generations.engine.gate.set()


@pytest.fixture
def worker(generations, engine):
    """A worker, to be turned by hand."""
    worker = GpuWorker()
    worker.performers = {GenerationJob: generations}
    return worker


@pytest.fixture
def place(alice):
    """Let jobs with these prompts wait."""
    return lambda *prompts: [
        GenerationJob.objects.get(pk=alice.api.post(ROUTE, {"prompt": prompt, "size": "64x64"}).json()["id"])
        for prompt in prompts
    ]


def until(worker, done, seconds=30):
    """Turn the worker until this holds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        worker._turn(rung=True)
        time.sleep(0.005)


def states(jobs):
    for job in jobs:
        job.refresh_from_db()
    return [job.status for job in jobs]


def test_jobs_run_side_by_side(worker, engine, place):
    jobs = place("one", "two", "three")
    worker._turn(rung=True)
    assert (states(jobs), len(worker.held)) == ([Status.RUNNING] * 3, 3)
    engine.gate.set()
    until(worker, lambda: not worker.held)
    assert states(jobs) == [Status.SUCCEEDED] * 3


def test_a_full_worker_leaves_the_rest_to_others(worker, place, settings):
    settings.JOBS_AT_ONCE = 2
    jobs = place("one", "two", "three")
    worker._turn(rung=True)
    assert states(jobs) == [Status.RUNNING, Status.RUNNING, Status.QUEUED]
    assert not worker._has_room()


def test_one_that_fails_leaves_the_others_alone(worker, engine, place):
    jobs = place("one", "too large", "three")
    until(worker, lambda: len(worker.held) == 2)
    engine.gate.set()
    until(worker, lambda: not worker.held)
    assert states(jobs) == [Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED]


def test_one_that_is_cancelled_leaves_the_others_alone(worker, engine, place):
    jobs = place("one", "two")
    worker._turn(rung=True)
    cancel(jobs[0])
    until(worker, lambda: len(worker.held) == 1)
    engine.gate.set()
    until(worker, lambda: not worker.held)
    assert states(jobs) == [Status.CANCELLED, Status.SUCCEEDED]


def test_a_lost_device_hands_every_job_on(worker, place):
    jobs = place("one", "poison")
    with pytest.raises(WorkerUnfit):
        until(worker, lambda: False)
    assert states(jobs) == [Status.QUEUED] * 2
    assert [job.crashes for job in jobs] == [1, 1]


def test_a_job_that_saw_a_worker_die_runs_alone(worker, engine, place):
    (suspect,) = place("suspect")
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")
    worker._turn(rung=True)
    (newcomer,) = place("newcomer")
    worker._turn(rung=True)
    assert states([suspect, newcomer]) == [Status.RUNNING, Status.QUEUED]
    engine.gate.set()
    until(worker, lambda: newcomer.pk in [held.job.pk for held in worker.held])
    assert states([suspect]) == [Status.SUCCEEDED]


def test_the_operator_sees_how_many_it_holds(worker, place):
    place("one", "two")
    worker._turn(rung=True)
    worker._seen(ready=True)
    assert Worker.objects.get().holding == 2


def test_told_to_stop_it_hands_back_what_it_cannot_finish(worker, place):
    jobs = place("one", "two")
    worker._turn(rung=True)
    worker.stop_by = time.monotonic()
    until(worker, lambda: not worker.held)
    assert states(jobs) == [Status.QUEUED] * 2


def test_a_worker_whose_device_hangs_hands_everything_on(worker, engine, place):
    jobs = place("one", "two")
    worker._turn(rung=True)
    engine.is_unfit = True
    with pytest.raises(WorkerUnfit):
        worker._turn(rung=True)
    assert states(jobs) == [Status.QUEUED] * 2


def test_a_suspect_that_waits_long_gets_a_worker_of_its_own_at_last(worker, engine, place, settings):
    (suspect,) = place("suspect")
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")
    place("busy")
    worker._turn(rung=True)
    GenerationJob.objects.filter(pk=suspect.pk).update(created_at=suspect.created_at - timedelta(minutes=2))
    JobEvent.objects.update(at=suspect.created_at - timedelta(minutes=2))
    (newcomer,) = place("newcomer")
    worker._turn(rung=True)
    assert states([newcomer]) == [Status.QUEUED]
    engine.gate.set()
    until(worker, lambda: states([suspect]) == [Status.SUCCEEDED])


def test_a_store_that_hangs_does_not_keep_its_job_for_ever(worker, engine, place, generations):
    engine.gate.set()
    release = threading.Event()
    generations.storing.submit(release.wait)
    generations.storing.submit(release.wait)
    place("one")
    until(worker, lambda: worker.held and worker.held[0].performance.drawing.finished.done())
    drawn = worker.held[0].performance.pulse
    engine.pulse += 100  # it works on, for others
    assert worker.held[0].performance.pulse == drawn
    release.set()
    until(worker, lambda: not worker.held)
