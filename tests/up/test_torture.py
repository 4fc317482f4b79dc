"""Ctrl-C ends a torture in one sentence, and nothing of it goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.up.conftest import FAKE

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
SECONDS = 60.0


def hears_ctrl_c():
    """Let a process take Ctrl-C as one does that a person has started."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def torture(tmp_path):
    """A torture in a home of its own, which is to last for hours."""
    command = [sys.executable, str(ROOT / "manage.py"), "torture", "--kills", "100000"]
    here = os.environ | FAKE | {"DARKROOM_HOME": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Whoever runs the tests in the background of a script lets them, and all that they start, ignore Ctrl-C.
    with subprocess.Popen(command, env=here, preexec_fn=hears_ctrl_c, **pipes) as process:  # noqa: PLW1509 - one call
        yield process
        process.kill()


def test_ctrl_c_ends_it_in_a_sentence_and_leaves_nothing_running(torture, tmp_path):
    assert "100000 kills" in torture.stdout.readline()
    patient_until = time.monotonic() + SECONDS
    while not (tmp_path / "torture" / "run" / "store.pid").exists() and time.monotonic() < patient_until:
        time.sleep(0.05)
    below = psutil.Process(torture.pid).children(recursive=True)
    torture.send_signal(signal.SIGINT)
    _, said = torture.communicate(timeout=SECONDS)
    assert torture.returncode == 130
    assert len(said.splitlines()) == 1
    assert "Stopped before anything was compared: nothing was killed yet" in said
    assert not [each for each in below if each.is_running()]
