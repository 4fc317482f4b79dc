"""A database that goes away for a moment costs time, never a picture or an honest answer."""

import pytest
from django.db import InterfaceError, OperationalError
from django.db.models.query import QuerySet

from generation import views
from generation.models import GenerationJob
from jobs import leases, watch
from jobs.models import Status
from tests.conftest import perform
from tests.fakes import FakeEngine
from tests.jobs.test_events import opened

ROUTE = "/api/v1/generations"


class Outage:
    """A database that is out of reach for some statements of one kind."""

    def __init__(self, monkeypatch, method, times, error=OperationalError):
        self.left, self.error = times, error
        self.real = getattr(QuerySet, method)
        outage = self

        def flaky(queryset, *args, **kwargs):
            if outage.left and queryset.model is GenerationJob:
                outage.left -= 1
                raise outage.error("out of reach")
            return outage.real(queryset, *args, **kwargs)

        monkeypatch.setattr(QuerySet, method, flaky)


@pytest.fixture
def job(alice):
    """A job of alice's that waits."""
    return GenerationJob.objects.get(pk=alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64"}).json()["id"])


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_report_that_cannot_be_written_does_not_end_the_job(job, generations, monkeypatch, error):
    claimed = leases.claim(GenerationJob, "w1")
    outage = Outage(monkeypatch, "update", times=1, error=error)
    perform(claimed, generations)
    job.refresh_from_db()
    assert (outage.left, job.status, job.images.count()) == (0, Status.SUCCEEDED, 1)


def test_a_result_waits_for_the_database(job, generations, monkeypatch):
    class Engine(FakeEngine):
        def generate(self, spec, on_step):
            pictures = super().generate(spec, on_step)
            self.outage = Outage(monkeypatch, "update", times=2)
            return pictures

    generations.engine = Engine("fake")
    perform(leases.claim(GenerationJob, "w1"), generations)
    job.refresh_from_db()
    assert (generations.engine.outage.left, job.status) == (0, Status.SUCCEEDED)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_who_waits_still_hears_after_an_outage(alice, server, job, run_jobs, monkeypatch, error):
    run_jobs()
    real, failures = watch._snapshots, [error("out of reach")]

    def flaky(model, ids):
        if failures:
            raise failures.pop()
        return real(model, ids)

    monkeypatch.setattr(watch, "_snapshots", flaky)
    assert b"event: done" in opened(alice, server, job.pk).read()


def test_a_stream_asked_for_during_an_outage_is_put_off(alice, job, monkeypatch):
    def unreachable(tenant, job_id):
        raise OperationalError("out of reach")

    monkeypatch.setattr(views, "find_generation", unreachable)
    answer = alice.api.get(f"{ROUTE}/{job.pk}/events")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
    assert answer["Retry-After"]


def test_an_answer_after_waiting_is_put_off_during_an_outage(alice, worker, monkeypatch):
    def unreachable(job):
        raise OperationalError("out of reach")

    monkeypatch.setattr(views, "_answer_after_wait", unreachable)
    answer = alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64"}, headers={"Prefer": "wait=30"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
