"""What is it to look after one process? Started with a log of its own, watched, stopped in good order."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darkroom.up import leftovers, tether

LOG_BYTES = 5_000_000
LAST_LINES = 15
POLL_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run under which name, and how long it may take to stop."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    grace_seconds: float
    stdin: str = ""
    files: tuple[int, ...] = ()


class Child:
    """One process of ours."""

    def __init__(self, command: Command, home: Path) -> None:
        self.command = command
        self.records = home / "run"
        self.log = home / "logs" / f"{command.name}.log"
        self.log_began = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run the command in a process group of its own, so that Ctrl-C reaches the supervisor alone."""
        for folder in (self.records, self.log.parent):
            folder.mkdir(exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        command = self.command
        with self.log.open("ab") as log, tempfile.TemporaryFile() as said:
            said.write(command.stdin.encode())
            said.seek(0)
            self.log_began = log.tell()
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command.argv],
                env=os.environ | command.environment,
                stdin=said,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=command.files,
                process_group=0,
            )
        leftovers.remember(self.records, command.name, self.process.pid)

    def exit_status(self) -> int | None:
        """Return how the process ended (negative: by which signal), None while it lives."""
        return self.process.poll() if self.process else None

    def last_lines(self) -> str:
        """Return the end of what the process wrote."""
        with self.log.open("rb") as log:
            log.seek(self.log_began)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def stop(self, hurried: Callable[[], bool]) -> None:
        """Ask the process to end; after its grace, or when hurried, end its whole group."""
        if self.process is None:
            return
        deadline = time.monotonic() + self.command.grace_seconds
        self.process.terminate()
        while self.process.poll() is None and time.monotonic() < deadline and not hurried():
            time.sleep(POLL_SECONDS)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        leftovers.forget(self.records, self.command.name)
        self.process = None
