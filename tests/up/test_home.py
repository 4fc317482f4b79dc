"""One supervisor at a time holds a home."""

import os
from contextlib import suppress

import pytest

from darkroom.up.home import AlreadyRunning, held, runner
from darkroom.up.signals import StopAsked


def test_the_second_is_told_who_runs_and_where(tmp_path):
    with held(tmp_path, "http://localhost:8000"):
        sentence = f"process {os.getpid()} at http://localhost:8000"
        with pytest.raises(AlreadyRunning, match=sentence), held(tmp_path, "http://localhost:8001"):
            pass


def test_a_released_home_is_free_again(tmp_path):
    with suppress(StopAsked), held(tmp_path, "http://localhost:8000"):
        raise StopAsked
    assert runner(tmp_path) is None
    with held(tmp_path, "http://localhost:8001"):
        assert runner(tmp_path).url == "http://localhost:8001"


def test_readiness_is_announced(tmp_path):
    with held(tmp_path, "http://localhost:8000") as announce_ready:
        assert not runner(tmp_path).ready
        announce_ready()
        assert runner(tmp_path).ready


def test_nobody_else_looks_into_a_held_home(tmp_path):
    for home in (tmp_path / "new", tmp_path / "old"):
        (tmp_path / "old").mkdir(mode=0o755, exist_ok=True)
        with held(home, "http://localhost:8000"):
            assert home.stat().st_mode & 0o777 == 0o700
