"""Where do pictures lie? In Django's default storage, at `t/<tenant>/<job>/<attempt>/<n>.<ext>`, and those that tenants
gave us at `t/<tenant>/uploads/<id>.png`."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from generation.models import DiscardedFile, GenerationJob
from jobs.models import JobEvent
from wire.failpoints import Point, failpoint
from wire.stores import within_reach

log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(hours=1)  # longer than any attempt takes from its first blob to its commit
LOOK_BACK = timedelta(hours=25)  # chores may not have run for a day
ROOT = "t"
STORE = "picture store"
UNSUCCESSFUL = ("requeued", "failed", "cancelled")


def write(job: GenerationJob, name: str, content: bytes) -> str:
    """Store one file of this attempt and return its key. Raises ApiError when the store does not take it."""
    return put(f"{folder_of(job.tenant_id, job.pk, job.attempt)}/{name}", content)


def folder_of(tenant_id: str, job_id: str, attempt: int) -> str:
    """Return where an attempt's files lie."""
    return f"{ROOT}/{tenant_id}/{job_id}/{attempt}"


def put(key: str, content: bytes) -> str:
    """Store one file and return its key. Raises ApiError when the store does not take it."""
    with within_reach(STORE):
        return default_storage.save(key, ContentFile(content))


def read(key: str) -> bytes:
    """Return a stored file's bytes. Raises ApiError when the store does not give it."""
    with within_reach(STORE), default_storage.open(key) as file:
        content: bytes = file.read()
    return content


def remove(*keys: str) -> None:
    """Delete files; one that is gone already is no error."""
    with within_reach(STORE):
        for key in keys:
            default_storage.delete(key)


def probe() -> None:
    """Write and delete a file. Raises ApiError when the store does not take it."""
    with within_reach(STORE):
        default_storage.delete(default_storage.save("probe/ready", ContentFile(b"x")))


def remove_discarded() -> None:
    """Delete the files of deleted images and uploads. Raises ApiError when the store refuses; the notes then stay."""
    for note in DiscardedFile.objects.filter(due_at__lte=timezone.now()):
        remove(note.key)
        failpoint(Point.TIDY_REMOVED)
        note.delete()


def remove_orphans() -> int:
    """Delete the files of attempts that ended without success, and return how many.

    Looks at a window of past events, not at all files: its cost follows the failures, not the images.
    """
    with within_reach(STORE):
        keys = [key for each in abandoned(ORPHAN_AGE) for key in blobs(each)]
    remove(*keys)
    if keys:
        log.info("removed %s files of attempts that ended without success", len(keys))
    return len(keys)


def abandoned(least: timedelta = timedelta()) -> set[str]:
    """Return the folders of attempts that ended without success, at least so long ago: there orphans are looked for."""
    now = timezone.now()
    ended = JobEvent.objects.filter(name__in=UNSUCCESSFUL, at__range=(now - LOOK_BACK, now - least))
    return {folder_of(*attempt) for attempt in ended.values_list("tenant_id", "job_id", "attempt")}


def blobs(folder: str = ROOT) -> Iterator[str]:
    """Yield the key of every stored file under this folder."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # S3, which knows no folders, lists nothing instead
        return
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from blobs(f"{folder}/{name}")
