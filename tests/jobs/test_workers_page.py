"""What lies in the workers' memory, and why: operators see it, tenants do not."""

import pytest

from jobs.models import Worker

RESIDENT = {
    "kind": "checkpoint",
    "name": "mini",
    "where": "device",
    "nbytes": 46_000_000,
    "held": 1,
    "idle_seconds": 0.0,
    "why": "in use",
}


@pytest.fixture
def worker(transactional_db):
    return Worker.objects.create(name="w1", host="h1", ready=True, holding=2, resident=[RESIDENT])


@pytest.fixture
def operator(alice):
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    return alice.browser


def test_an_operator_sees_what_is_resident_and_why(worker, operator):
    (row,) = operator.get("/api/v1/workers").json()["data"]
    assert (row["name"], row["holding"], row["resident"]) == ("w1", 2, [RESIDENT])


def test_the_console_shows_it_as_a_table(worker, operator):
    page = operator.get("/admin/jobs/worker/w1/change/").content.decode()
    assert "mini" in page
    assert "in use" in page
    assert "43.9" in page


def test_tenants_do_not_see_it(worker, alice, bob):
    for answer in (alice.api.get("/api/v1/workers"), bob.browser.get("/api/v1/workers")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "operators_only")
