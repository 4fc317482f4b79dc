"""Cancel through the API: at once while it waits, at the next step while it runs, never twice."""

import pytest

from generation.models import GenerationJob
from jobs import leases

ROUTE = "/api/v1/generations"


@pytest.fixture
def job(alice):
    """A job of alice's that waits, as JSON."""
    return alice.api.post(ROUTE, {"prompt": "a kite"}).json()


def test_a_waiting_job_is_cancelled_at_once(alice, job):
    assert alice.api.post(f"{ROUTE}/{job['id']}/cancel").json()["status"] == "cancelled"
    assert leases.claim(GenerationJob, "w1") is None


def test_a_running_job_is_asked_to_stop(alice, job):
    held = leases.claim(GenerationJob, "w1")
    assert alice.api.post(f"{ROUTE}/{job['id']}/cancel").json()["status"] == "running"
    held.refresh_from_db()
    assert held.cancel_requested_at


def test_cancelling_twice_is_harmless(alice, job):
    alice.api.post(f"{ROUTE}/{job['id']}/cancel")
    assert alice.api.post(f"{ROUTE}/{job['id']}/cancel").json()["status"] == "cancelled"


def test_a_finished_job_cannot_be_cancelled(alice, job, run_jobs):
    run_jobs()
    answer = alice.api.post(f"{ROUTE}/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "job_already_finished")
    assert answer["x-should-retry"] == "false"


def test_another_tenants_job_cannot_be_cancelled(alice, charlie, job):
    assert charlie.api.post(f"{ROUTE}/{job['id']}/cancel").status_code == 404
    assert alice.api.get(f"{ROUTE}/{job['id']}").json()["status"] == "queued"
