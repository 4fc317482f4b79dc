"""A generation is charged what the GPU worked for it, never more than was quoted; the price list learns from it."""

import math
import random

import pytest

from generation.dispatch import Generations
from generation.models import GenerationJob
from generation.prices import work_of
from jobs import leases
from jobs.models import Status
from jobs.moves import fail, move
from quotas.models import CostRate, LedgerEntry
from tests.conftest import perform
from tests.fakes import FakeDrawing, FakeEngine

ROUTE = "/api/v1/generations"
KITE = {"prompt": "a red kite", "size": "64x64", "steps": 2}


class Metered(FakeEngine):
    """An engine that draws at once, and whose device takes what `took` says."""

    def __init__(self, took):
        super().__init__("fake")
        self.took = took

    def submit(self, spec, on_picture, *others):
        drawing = FakeDrawing(spec)
        drawing.device_ms = self.took(spec)
        drawing.report = lambda progress: None
        self._draw(drawing, spec, on_picture)
        return drawing

    def generate(self, spec, on_step):
        return [self._picture(spec, index) for index in range(spec.n)]


@pytest.fixture
def metered(generations, run_jobs):
    """Do all that waits on an engine whose device takes so long."""

    def run(took):
        generations.engine = Metered(took)
        run_jobs()

    return run


@pytest.fixture
def asked(alice):
    """A job of alice's that waits."""
    return lambda **fields: GenerationJob.objects.get(pk=alice.api.post(ROUTE, KITE | fields).json()["id"])


def test_it_is_charged_what_was_measured(asked, metered):
    job = asked()
    metered(lambda spec: 321)
    job.refresh_from_db()
    assert (job.measured_ms, job.charged_ms) == (321, 321)


def test_the_json_tells_the_charge(alice, asked, metered):
    job = asked()
    metered(lambda spec: 321)
    assert alice.api.get(f"{ROUTE}/{job.pk}").json()["cost"]["charged"] == 0.321


def test_what_took_more_than_was_quoted_is_charged_the_quote(asked, metered):
    job = asked()
    metered(lambda spec: 10**6)
    job.refresh_from_db()
    assert job.measured_ms == 10**6 > job.charged_ms == job.quoted_ms


def test_flex_is_charged_half(asked, metered):
    job = asked(tier="flex")
    metered(lambda spec: 300)
    job.refresh_from_db()
    assert job.charged_ms == 150


def test_a_crashed_attempt_is_not_charged(asked, metered):
    job = asked()
    leases.recover(leases.claim(GenerationJob, "w1"), "worker fell silent")
    metered(lambda spec: 40)
    job.refresh_from_db()
    assert (job.attempt, job.charged_ms) == (2, 40)


def test_what_fails_is_charged_nothing(asked, metered):
    def broken(spec):
        raise ValueError

    job = asked()
    metered(broken)
    job.refresh_from_db()
    assert (job.status, job.charged_ms) == (Status.FAILED, 0)


def test_what_fails_is_charged_nothing_of_what_it_took(asked):
    asked()
    job = leases.claim(GenerationJob, "w1")
    fail(job, "storage_unavailable", "The picture store is full.", measured_ms=70)
    assert (job.measured_ms, job.charged_ms) == (70, 0)


def test_what_was_cancelled_before_it_began_is_charged_nothing(asked):
    job = asked()
    move(job, Status.CANCELLED)
    assert job.charged_ms == 0


def test_two_hundred_requests_are_charged_no_more_than_quoted(alice, metered):
    chance = random.Random(7)
    for _ in range(2):
        specs = [{"steps": chance.randint(1, 100), "guidance_scale": chance.choice((1, 5))} for _ in range(100)]
        alice.api.post("/api/v1/batches", {"specs": specs, "defaults": KITE})
    metered(lambda spec: round(math.exp(chance.gauss(5, 2))))
    jobs = GenerationJob.objects.filter(status=Status.SUCCEEDED)
    assert jobs.count() == 200
    assert all(job.charged_ms == min(job.measured_ms, job.quoted_ms) for job in jobs)
    settled = LedgerEntry.objects.filter(kind="settle").values_list("job_id", "ms")
    assert dict(settled) == {job.pk: job.charged_ms for job in jobs}


def test_estimates_come_to_what_jobs_take(alice, caller_and_order, asked, metered):
    _, order = caller_and_order(alice, [], **{name: value for name, value in KITE.items() if name != "prompt"})
    units = work_of(order).units
    for _ in range(8):
        asked()
        metered(lambda spec: round(5000 * units))
    job = asked()
    assert job.estimated_ms == pytest.approx(5000 * units, rel=0.05)
    assert 5000 * units < job.quoted_ms < 2 * max(1000, 5000 * units)


def test_a_price_list_that_cannot_be_written_fails_no_job(asked, generations):
    class Untaught(Generations):
        def lesson(self, job, measured_ms):
            raise ValueError

    job, performer = asked(), Untaught()
    performer.engine = generations.engine
    perform(leases.claim(GenerationJob, "w1"), performer)
    job.refresh_from_db()
    assert (job.status, CostRate.objects.exists()) == (Status.SUCCEEDED, False)
