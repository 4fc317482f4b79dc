"""How does a program use a Darkroom that it starts itself? As a person: `manage.py up`, then its address and key."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from darkroom.up import tether
from darkroom.up.client import Client
from darkroom.up.demo_account import read
from darkroom.up.home import runner
from darkroom.up.supervisor import WontStart

POLL_SECONDS = 0.05
START_SECONDS = 600.0  # a checkpoint may have to be downloaded
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Site:
    """A Darkroom that is ready, and the process of its supervisor."""

    home: Path
    client: Client
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command against this Darkroom."""
        command = [sys.executable, str(settings.ROOT / "manage.py"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603


@contextmanager
def running_site(home: Path, port: int, environment: dict[str, str], out: IO[bytes] | None = None) -> Iterator[Site]:
    """Run `manage.py up` and hand it over once it is ready. Raises WontStart."""
    environment = environment | {"DARKROOM_HOME": str(home), "PORT": str(port)}
    process = launched(environment, out)
    try:
        _await_ready(home, process)
        account = read(home)
        if account is None:
            raise WontStart(f"There is no demo account in {home}.")
        yield Site(home, Client(port, account.url, account.api_key), process, environment)
    finally:
        stop(process)


def launched(environment: dict[str, str], out: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """Start `manage.py up`, tied to this process, in a group of its own: our Ctrl-C is for us to pass on."""
    command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
    command += [sys.executable, str(settings.ROOT / "manage.py"), "up"]
    return subprocess.Popen(command, env=environment, stdout=out, stderr=out, process_group=0)  # noqa: S603


def stop(process: "subprocess.Popen[bytes]") -> int:
    """Ask the supervisor to stop and return its exit status."""
    process.terminate()
    return process.wait(STOP_SECONDS)


def _await_ready(home: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        found = runner(home)
        if found and found.ready and found.pid == process.pid:
            return
        if time.monotonic() > deadline:
            raise WontStart(f"Darkroom was not ready after {START_SECONDS:.0f} s.")
        if process.poll() is not None:
            raise WontStart(f"Darkroom ended while starting, with status {process.returncode}.")
        time.sleep(POLL_SECONDS)
