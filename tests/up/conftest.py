"""Whole Darkrooms with real processes and a fake engine, each with a home and a port of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from darkroom.up.site import Site, running_site
from darkroom.up.store import free_port

FAKE = {
    "DARKROOM_ENGINE": "tests.fakes.FakeEngine",
    "DARKROOM_CHECKPOINT": "fake-sdxl",
    "DARKROOM_LEASE_SECONDS": "2",
    "DJANGO_SETTINGS_MODULE": "darkroom.settings",  # the tests' own stay in the tests' process
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A Darkroom that started for the first time and runs for a whole module: it heals what a test breaks."""
    home = tmp_path_factory.mktemp("site") / "home"
    with running_site(home, free_port(), dict(os.environ) | FAKE) as it:
        yield it


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a Darkroom that ran once: a second start has less to do."""
    home = tmp_path_factory.mktemp("used") / "home"
    with running_site(home, free_port(), dict(os.environ) | FAKE):
        pass
    return home


@pytest.fixture
def environment(used_home: Path, tmp_path: Path) -> dict[str, str]:
    """What a Darkroom in a home like the used one is told."""
    home = shutil.copytree(used_home, tmp_path / "home")
    return dict(os.environ) | FAKE | {"DARKROOM_HOME": str(home), "PORT": str(free_port())}


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[[], Site]]:
    """Start a Darkroom in that home."""
    with ExitStack() as running:
        yield lambda: running.enter_context(
            running_site(Path(environment["DARKROOM_HOME"]), int(environment["PORT"]), environment)
        )
