"""A web process that is really killed in the middle of a request leaves what the retry needs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from generation.models import GenerationJob
from tests import postgres
from tests.idempotency.test_same_key import ask, code_of

pytestmark = pytest.mark.processes


@pytest.fixture
def kill(alice, tmp_path):
    """Let a web process take alice's request and die at this moment."""
    name = str(connection.settings_dict["NAME"])
    here = {
        "DATABASE_URL": postgres.url(name) if postgres.is_wanted() else f"sqlite:///{name}",
        "DARKROOM_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "darkroom.settings",
        "PYTHONPATH": os.pathsep.join((".", "platform")),
    }

    def at(moment):
        command = [sys.executable, "-m", "tests.idempotency.dying", alice.secret, moment]
        root = Path(__file__).parents[2]
        done = subprocess.run(command, env=os.environ | here, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return at


def test_after_the_commit_the_retry_finds_the_job(alice, kill):
    kill("after the job")
    answer = ask(alice)
    assert (answer.status_code, answer["Idempotency-Replayed"]) == (202, "true")
    assert answer.json()["id"] == GenerationJob.objects.get().pk


def test_before_the_commit_the_retry_makes_it_when_the_lease_has_lapsed(alice, kill, fall_silent):
    kill("before the job")
    assert code_of(ask(alice)) == (409, "idempotency_in_progress")
    fall_silent()
    assert ask(alice).json()["id"] == GenerationJob.objects.get().pk
