"""Processes are kept alive together, and end together."""

import signal
import sys
import time

import psutil
import pytest

from darkroom.up.child import Child, Command
from darkroom.up.supervisor import Supervisor, WontStart

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FAIL = "raise SystemExit('no such checkpoint')"


def python(name: str, program: str, grace_seconds: float = 5.0) -> Command:
    """Return how to run a little program."""
    argv = (sys.executable, "-c", program)
    return Command(name=name, argv=argv, environment={}, grace_seconds=grace_seconds)


@pytest.fixture
def said() -> list[str]:
    """What the supervisor told the terminal."""
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    """A supervisor whose children are gone after the test."""
    with Supervisor(tmp_path, said.append, lambda: False) as it:
        yield it


def until(condition, supervisor: Supervisor) -> None:
    """Tend the processes until this holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        supervisor.tend()
        time.sleep(0.01)


def test_a_killed_process_is_started_again(supervisor, said):
    supervisor.start(python("worker", SLEEP))
    child = supervisor.kept[0].child
    first = child.process.pid
    child.process.kill()
    until(lambda: child.process.pid != first, supervisor)
    assert psutil.pid_exists(child.process.pid)
    assert said == ["worker was ended by a signal (Killed) and starts again in 0.2 s."]


def test_what_dies_by_its_own_fault_shows_its_last_words(supervisor, said):
    supervisor.start(python("worker", FAIL))
    until(lambda: said, supervisor)
    assert said == ["worker ended with status 1 and starts again in 1.0 s.", "  | no such checkpoint"]


def test_what_fails_again_and_again_is_given_up(supervisor):
    supervisor.start(python("worker", FAIL))
    until(lambda: supervisor.kept[0].failures == 2, supervisor)
    with pytest.raises(WontStart, match="worker process died 2 times"):
        supervisor.give_up_on_failures()


def test_all_are_stopped_the_last_one_first(tmp_path):
    with Supervisor(tmp_path, print, lambda: False) as supervisor:
        for name in ("store", "web"):
            supervisor.start(python(name, SLEEP))
        pids = [kept.child.process.pid for kept in supervisor.kept]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_stubborn_process_is_killed_after_its_grace(tmp_path):
    child = Child(python("worker", STUBBORN, grace_seconds=0.1), tmp_path)
    child.start()
    process = child.process
    while "up" not in child.last_lines():
        time.sleep(0.01)
    child.stop(lambda: False)
    assert process.returncode == -signal.SIGKILL


def test_who_asks_twice_does_not_wait_for_the_grace(tmp_path):
    child = Child(python("worker", STUBBORN, grace_seconds=600.0), tmp_path)
    child.start()
    process = child.process
    while "up" not in child.last_lines():
        time.sleep(0.01)
    child.stop(lambda: True)
    assert process.returncode == -signal.SIGKILL
