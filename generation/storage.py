"""Where do pictures lie? In Django's default storage, at `t/<tenant>/<job>/<attempt>/<n>.<ext>`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.module_loading import import_string

from generation.models import DiscardedFile, GenerationJob
from jobs.models import JobEvent
from wire.errors import ApiError

log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(hours=1)  # longer than any attempt takes from its first blob to its commit
LOOK_BACK = timedelta(hours=25)  # chores may not have run for a day
ROOT = "t"
UNSUCCESSFUL = ("requeued", "failed", "cancelled")


def write(job: GenerationJob, name: str, content: bytes) -> str:
    """Store one file of this attempt and return its key. Raises ApiError when the store does not take it."""
    with _within_reach():
        return default_storage.save(f"{ROOT}/{job.tenant_id}/{job.pk}/{job.attempt}/{name}", ContentFile(content))


def read(key: str) -> bytes:
    """Return a stored file's bytes. Raises ApiError when the store does not give it."""
    with _within_reach(), default_storage.open(key) as file:
        content: bytes = file.read()
    return content


def remove(*keys: str) -> None:
    """Delete files; one that is gone already is no error."""
    with _within_reach():
        for key in keys:
            default_storage.delete(key)


def probe() -> None:
    """Write and delete a file. Raises ApiError when the store does not take it."""
    with _within_reach():
        default_storage.delete(default_storage.save("probe/ready", ContentFile(b"x")))


@contextmanager
def _within_reach() -> Iterator[None]:
    try:
        yield
    except tuple(import_string(name) for name in settings.STORAGE_ERRORS) as error:
        log.error("the picture store refuses: %s", error)
        message = "The picture store is full or out of reach. Try again later; the operator has the details."
        raise ApiError(503, "storage_unavailable", message, retry_after="30") from error


def remove_discarded() -> None:
    """Delete the files of deleted images. Raises ApiError when the store refuses; the notes then stay."""
    for note in DiscardedFile.objects.all():
        remove(note.key)
        note.delete()


def remove_orphans() -> int:
    """Delete the files of attempts that ended without success, and return how many.

    Looks at a window of past events, not at all files: its cost follows the failures, not the images.
    """
    now = timezone.now()
    ended = JobEvent.objects.filter(name__in=UNSUCCESSFUL, at__range=(now - LOOK_BACK, now - ORPHAN_AGE))
    attempts = ended.values_list("tenant_id", "job_id", "attempt")
    with _within_reach():
        keys = [key for attempt in attempts for key in blobs("/".join([ROOT, *map(str, attempt)]))]
    remove(*keys)
    if keys:
        log.info("removed %s files of attempts that ended without success", len(keys))
    return len(keys)


def blobs(folder: str = ROOT) -> Iterator[str]:
    """Yield the key of every stored file under this folder."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # S3, which knows no folders, lists nothing instead
        return
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from blobs(f"{folder}/{name}")
