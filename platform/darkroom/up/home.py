"""Who runs in this folder? One supervisor at a time, and it says so in `up.json`, which a lock guards."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

FILE = "up.json"


@dataclass(frozen=True)
class Runner:
    """The supervisor that holds a home."""

    pid: int
    url: str
    ready: bool


class AlreadyRunning(Exception):
    """Another supervisor holds this home."""


@contextmanager
def held(home: Path, url: str) -> Iterator[Callable[[], None]]:
    """Hold the home and yield how to announce that everything is ready. Raises AlreadyRunning."""
    home.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):  # a mounted volume may be another's, who decides who looks in
        home.chmod(0o700)
    # The kernel drops the lock with the process, however it dies; children do not inherit it.
    with os.fdopen(os.open(home / FILE, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_who(home)) from None
        _write(file, Runner(os.getpid(), url, ready=False))
        try:
            yield lambda: _write(file, Runner(os.getpid(), url, ready=True))
        finally:
            file.truncate(0)


def runner(home: Path) -> Runner | None:
    """Return who wrote that it runs here, None when nobody did."""
    try:
        return Runner(**json.loads((home / FILE).read_text()))
    except (FileNotFoundError, ValueError):
        return None


def write_private(file: Path, text: str) -> None:
    """Write a file that is whole at any moment and that only its owner may read."""
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    draft.replace(file)


def _write(file: IO[str], runner: Runner) -> None:
    file.seek(0)
    file.write(json.dumps(asdict(runner)))
    file.truncate()
    file.flush()


def _who(home: Path) -> str:
    found = runner(home)
    who = f"as process {found.pid} at {found.url}" if found else "and is just starting or stopping"
    return f"Darkroom already runs in {home}, {who}. Stop it first, or start another with DARKROOM_HOME and PORT."
