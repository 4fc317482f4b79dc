"""Jobs are accepted while web, worker, scheduler and store are killed again and again; each ends exactly once."""

import shutil
from pathlib import Path

import pytest

from darkroom.up.faults import PROCESSES
from darkroom.up.inbox import receiving
from darkroom.up.ordeal import Plan, endure
from darkroom.up.site import running_site

pytestmark = pytest.mark.processes
KILLS = 200


@pytest.fixture
def inbox():
    """Who hears of what becomes of the jobs."""
    with receiving() as it:
        yield it


@pytest.fixture
def victim(environment, database_url, inbox):
    """A Darkroom on the database under test, which may send there."""
    home, port = Path(environment["DARKROOM_HOME"]), int(environment["PORT"])
    here = {"DATABASE_URL": database_url, "DARKROOM_WEBHOOK_HOSTS": inbox.host}
    if database_url:  # which knows nothing of the pictures that the home came with
        shutil.rmtree(home / "media")
    with running_site(home, port, environment | here) as it:
        yield it


def test_every_job_ends_once_whatever_is_killed(victim, inbox):
    outcome = endure(victim, inbox, Plan(kills=KILLS, seed=2, steps=100), print)
    assert outcome.wrong == []
    assert outcome.kills.total() == KILLS
    assert outcome.kills.keys() == set(PROCESSES)
    assert outcome.requests, "no kill met an open request"
    assert outcome.attempts, "no kill met a running job"
