"""Where do pictures lie? In Django's default storage, at `t/<tenant>/<job>/<attempt>/<n>.<ext>`."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from generation.models import GenerationJob, Image

log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(hours=1)  # longer than any attempt takes from its first blob to its commit
ROOT = "t"


def write(job: GenerationJob, name: str, content: bytes) -> str:
    """Store one file of this attempt and return its key."""
    return default_storage.save(f"{ROOT}/{job.tenant_id}/{job.pk}/{job.attempt}/{name}", ContentFile(content))


def read(key: str) -> bytes:
    """Return a stored file's bytes."""
    with default_storage.open(key) as file:
        content: bytes = file.read()
    return content


def remove(*keys: str) -> None:
    """Delete files; one that is gone already is no error."""
    for key in keys:
        default_storage.delete(key)


def remove_orphans() -> int:
    """Delete the files of attempts that lost their lease or died before their commit; return how many."""
    removed = 0
    for key in blobs():
        if not _has_row(key) and default_storage.get_modified_time(key) < timezone.now() - ORPHAN_AGE:
            remove(key)
            removed += 1
    if removed:
        log.info("removed %s files that belonged to no image", removed)
    return removed


def blobs(folder: str = ROOT) -> Iterator[str]:
    """Yield the key of every stored file."""
    if folder == ROOT and not default_storage.exists(ROOT):
        return
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from blobs(f"{folder}/{name}")


def _has_row(key: str) -> bool:
    job_id = key.split("/")[2]
    return any(key in keys for keys in Image.objects.filter(job_id=job_id).values_list("blob", "thumbnail"))
