"""What a killed supervisor left running is ended, and nothing else is."""

import subprocess
from collections.abc import Iterator

import psutil
import pytest

from darkroom.up import leftovers


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that waits to be ended."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_recorded_process_is_ended(tmp_path, sleeper):
    leftovers.remember(tmp_path, "worker", sleeper.pid)
    assert leftovers.clear(tmp_path) == [sleeper.pid]
    assert not psutil.pid_exists(sleeper.pid)
    assert list(tmp_path.iterdir()) == []


def test_another_process_with_the_same_id_is_left_alone(tmp_path, sleeper):
    leftovers.remember(tmp_path, "worker", sleeper.pid)
    record = tmp_path / "worker.pid"
    pid, born = record.read_text().split()
    record.write_text(f"{pid} {float(born) - 1}")
    assert leftovers.clear(tmp_path) == []
    assert sleeper.poll() is None


@pytest.mark.parametrize("garbage", ["", "12", "a b", "1 2 3", "99999999 1.0"])
def test_a_damaged_record_harms_nobody(tmp_path, garbage):
    (tmp_path / "worker.pid").write_text(garbage)
    assert leftovers.clear(tmp_path) == []
