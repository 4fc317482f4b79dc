"""Where do pictures lie? In Django's default storage, at `t/<tenant>/<job>/<attempt>/<n>.<ext>`."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from generation.models import GenerationJob
from jobs.models import JobEvent

log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(hours=1)  # longer than any attempt takes from its first blob to its commit
ROOT = "t"
UNSUCCESSFUL = ("requeued", "failed", "cancelled")


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
    """Delete the files of attempts that ended without success, and return how many.

    Looks at a window of past events, not at all files: its cost follows the failures, not the images.
    """
    now = timezone.now()
    ended = JobEvent.objects.filter(name__in=UNSUCCESSFUL, at__range=(now - 3 * ORPHAN_AGE, now - ORPHAN_AGE))
    attempts = ended.values_list("tenant_id", "job_id", "attempt")
    keys = [key for attempt in attempts.iterator() for key in blobs("/".join([ROOT, *map(str, attempt)]))]
    remove(*keys)
    if keys:
        log.info("removed %s files of attempts that ended without success", len(keys))
    return len(keys)


def blobs(folder: str = ROOT) -> Iterator[str]:
    """Yield the key of every stored file under this folder."""
    if not default_storage.exists(folder):
        return
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from blobs(f"{folder}/{name}")
