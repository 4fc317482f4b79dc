"""Forty jobs are accepted while something is broken twenty times; each ends succeeded exactly once."""

from pathlib import Path

import pytest

from darkroom.up.ordeal import Plan, endure, flush_store, kill_worker
from darkroom.up.site import running_site

pytestmark = pytest.mark.processes
SEED = 2


@pytest.fixture
def victim(environment, database_url):
    """A Darkroom on the database under test."""
    home, port = Path(environment["DARKROOM_HOME"]), int(environment["PORT"])
    with running_site(home, port, environment | {"DATABASE_URL": database_url}) as it:
        yield it


def test_every_job_succeeds_once_though_the_worker_is_killed(victim):
    outcome = endure(victim, kill_worker, Plan(steps=100, span_seconds=1.0, seed=SEED))
    assert outcome.clean, outcome
    assert outcome.attempts > outcome.jobs, "no kill met a running job"


def test_every_job_succeeds_once_though_the_store_forgets(victim):
    outcome = endure(victim, flush_store, Plan(span_seconds=0.3, seed=SEED))
    assert outcome.clean, outcome
