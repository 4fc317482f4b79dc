"""Where do LoRA files lie? In the storage `weights`, by their SHA-256; a worker reads them from its own disk."""

import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone

from loras.models import LoraVersion
from tenants.models import Tenant
from wire.errors import ApiError
from wire.stores import within_reach

log = logging.getLogger(__name__)

STORE = "weights store"
ROOT = "loras"
SHARED = "all"  # the folder of what the operator offers to every tenant
BLOCK_BYTES = 1 << 20
ORPHAN_AGE = timedelta(hours=1)  # longer than a row takes to come after its file


class WholeFiles(FileSystemStorage):
    """Files on disk that appear whole or not at all, whatever happens while they are written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_overwrite=True, **options)

    def _save(self, name: str, content: File) -> str:
        """Write beside the name, and take the name when every byte is on the disk."""
        with appearing(Path(self.path(name))) as unfinished:
            super()._save(str(unfinished.relative_to(self.location)), content)  # type: ignore[misc]
        return name


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, and put what is there then in this one's place; a failure leaves nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        yield unfinished
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def keep(file: BinaryIO, sha256: str, tenant: Tenant | None) -> str:
    """Store a LoRA file and return its key. Raises ApiError when the store does not take it.

    A file that is there is written again: whoever installs it twice may do so because it was lost or broken.
    """
    key = f"{ROOT}/{tenant.pk if tenant else SHARED}/{sha256}.safetensors"
    with within_reach(STORE):
        return str(storages["weights"].save(key, File(file)))


def discard(keys: Iterable[str]) -> None:
    """Delete files. Raises ApiError when the store refuses."""
    with within_reach(STORE):
        for key in keys:
            storages["weights"].delete(key)


def orphans(age: timedelta) -> Iterator[str]:
    """Yield the key of each file older than this that is no version's: its row never came, or went without it."""
    known, store = set(LoraVersion.objects.values_list("blob", flat=True)), storages["weights"]
    for key in _files():
        if key not in known and store.get_modified_time(key) < timezone.now() - age:
            yield key


def remove_orphans() -> None:
    """Delete the files that belong to no version. Raises ApiError when the store refuses."""
    with within_reach(STORE):
        for key in orphans(ORPHAN_AGE):
            storages["weights"].delete(key)
            log.info("removed %s, which belonged to no LoRA", key)


def _files() -> Iterator[str]:
    store = storages["weights"]
    try:
        for folder in store.listdir(ROOT)[0]:
            yield from (f"{ROOT}/{folder}/{name}" for name in store.listdir(f"{ROOT}/{folder}")[1])
    except FileNotFoundError:  # S3, which knows no folders, lists nothing instead
        return


def local_path(version: LoraVersion) -> Path:
    """Return where this machine has the version's file after `fetch`; looks nowhere, so it costs nothing."""
    try:
        return Path(storages["weights"].path(version.blob))
    except NotImplementedError:  # how Django says that a storage is elsewhere
        return cache_folder() / f"{version.sha256}.safetensors"


def cache_folder() -> Path:
    """Return where this machine has what it fetched from elsewhere."""
    return Path(settings.HOME) / "weights-cache"


def fetch(version: LoraVersion, on_block: Callable[[], None] = lambda: None) -> None:
    """Bring the version's file to its local path, if its store is elsewhere and did not do so before.

    Raises ApiError when the store is out of reach or has lost the file.
    """
    path, store = local_path(version), storages["weights"]
    with within_reach(STORE):
        if path.is_file():  # once fetched, it never changes: it is called by its hash
            return
        if not store.exists(version.blob):
            raise _unavailable(version, "has lost the file")
        with appearing(path) as unfinished, store.open(version.blob) as source, unfinished.open("wb") as copy:
            digest = hashlib.sha256()
            while block := source.read(BLOCK_BYTES):
                digest.update(block)
                copy.write(block)
                on_block()
            if digest.hexdigest() != version.sha256:
                raise _unavailable(version, "holds another file")


def _unavailable(version: LoraVersion, why: str) -> ApiError:
    message = f"The {STORE} {why} of the LoRA {version}; the operator can install it again."
    return ApiError(503, "lora_unavailable", message)
