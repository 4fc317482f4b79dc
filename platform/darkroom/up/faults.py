"""What can break while jobs are accepted? Any of the four processes dies, and now and then the store forgets all."""

from pathlib import Path

import psutil
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from darkroom.up import leftovers
from darkroom.up.start import STORE_URL

PROCESSES = ("web", "worker", "scheduler", "store")


def kill(home: Path, name: str) -> bool:
    """Kill a process with SIGKILL, whatever it is doing; return whether there was one to kill."""
    process = leftovers.recorded(home / "run" / f"{name}.pid")
    if process is None:
        return False
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    process.wait()
    return True


def flush_store(home: Path) -> bool:
    """Make the store forget everything; return whether it was there to be told."""
    url = (home / "run" / STORE_URL).read_text()
    try:
        with Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0)) as store:
            return bool(store.flushall())
    except RedisError:
        return False
