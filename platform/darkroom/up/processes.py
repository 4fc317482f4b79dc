"""Which processes make a Darkroom, and how is each called?"""

import os
import socket
import sys
from pathlib import Path

from darkroom.up.child import Command

WEB_GRACE_SECONDS = 5
WORKER_GRACE_SECONDS = 30.0
SCHEDULER_GRACE_SECONDS = 5.0
BACKLOG = 1024


class PortTaken(Exception):
    """Somebody else listens where the web server should."""


def listening_socket(address: str, port: int) -> socket.socket:
    """Return a socket that outlives the web process: while that restarts, callers wait instead of being refused.

    Raises PortTaken.
    """
    try:
        listener = socket.create_server((address, port), backlog=BACKLOG)
    except OSError as error:
        why, another = os.strerror(error.errno or 0), max(port + 1, 8000)
        raise PortTaken(f"Port {port} cannot be used: {why}. Choose another: PORT={another} make run") from None
    # uvicorn takes a handed-over socket for a local one and would not set this; accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def webs(root: Path, listener: socket.socket, environment: dict[str, str], count: int) -> list[Command]:
    """Return so many web servers on one socket: whichever is free takes the next connections, and keeps them."""
    names = ["web", *(f"web-{number}" for number in range(2, count + 1))]
    return [_web(name, root, listener, environment) for name in names]


def _web(name: str, root: Path, listener: socket.socket, environment: dict[str, str]) -> Command:
    """Return a web server: pages, APIs and event streams."""
    serve = ("-P", "-m", "uvicorn", "darkroom.asgi:application", "--fd", str(listener.fileno()))
    quietly = ("--no-access-log", "--log-level", "warning", "--lifespan", "off")
    stop = ("--timeout-graceful-shutdown", str(WEB_GRACE_SECONDS))
    roots = [str(root), str(root / "platform"), os.environ.get("PYTHONPATH", "")]
    return Command(
        name=name,
        argv=(sys.executable, *serve, *quietly, *stop),
        environment=environment | {"PYTHONPATH": os.pathsep.join(filter(None, roots))},
        grace_seconds=WEB_GRACE_SECONDS + 2.0,
        files=(listener.fileno(),),
    )


def worker(root: Path, environment: dict[str, str]) -> Command:
    """Return the process that holds the GPU; it may finish a picture before it stops."""
    # On shared cores, OpenMP threads that spin while they wait made one picture take 11 s instead of 1.5.
    patient = {"OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE")}
    return _managed(root, "worker", "gpu_worker", environment | patient, WORKER_GRACE_SECONDS)


def scheduler(root: Path, environment: dict[str, str]) -> Command:
    """Return the process that rescues jobs and keeps time."""
    return _managed(root, "scheduler", "scheduler", environment, SCHEDULER_GRACE_SECONDS)


def _managed(root: Path, name: str, command: str, environment: dict[str, str], grace_seconds: float) -> Command:
    return Command(
        name=name,
        argv=(sys.executable, str(root / "manage.py"), command),
        environment=environment,
        grace_seconds=grace_seconds,
    )
