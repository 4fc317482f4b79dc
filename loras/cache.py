"""Which LoRA files from S3 stay on a worker's disk? Those used last, within a budget, and all that are in use."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from loras.models import LoraVersion
from loras.storage import cache_folder, fetch, local_path

ABANDONED_SECONDS = 3600  # a download that was not written to for so long broke off


@contextmanager
def fetched(version: LoraVersion, on_block: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Have the version's file at its local path and keep it there, whoever else needs room. Raises ApiError.

    Workers of one machine share the folder; a lock on the file tells each of them, and ends with its process.
    """
    path = local_path(version)
    if path.parent != cache_folder():
        fetch(version, on_block)
        yield
        return
    held = None
    while held is None:
        fetch(version, on_block)
        held = _hold(path)
    with held:
        trim(cache_folder(), settings.WEIGHTS_CACHE_BYTES)
        yield


def trim(folder: Path, limit: int) -> None:
    """Delete files, the least recently used first, until the others are within the limit; what is in use stays."""
    found = sorted(_files(folder))
    excess = sum(size for _, size, _ in found) - limit
    for used_at, size, path in found:
        if excess <= 0:
            return
        if path.suffix == ".safetensors" or used_at < time.time() - ABANDONED_SECONDS:
            excess -= size * _removed(path)


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield of each file when it was used last, its size and its path."""
    for entry in os.scandir(folder):
        try:
            stat = entry.stat()
        except FileNotFoundError:  # another worker removed it
            continue
        yield stat.st_mtime, stat.st_size, Path(entry)


def _hold(path: Path) -> BinaryIO | None:
    """Open and lock a file, so that no worker removes it; return None if one just did."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if os.fstat(file.fileno()).st_nlink == 0:
        file.close()
        return None
    os.utime(file.fileno())
    return file


def _removed(path: Path) -> bool:
    """Delete a file unless it is in use; return whether it is gone."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    return True
