"""What must hold of images, uploads and their files at any moment?"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db.models import Count, F
from django.utils import timezone

from generation import storage
from generation.models import DiscardedFile, GenerationControl, GenerationJob, Image, Upload
from jobs.models import Status
from wire.invariants import Invariant

FRESH = timedelta(minutes=1)  # more than the clocks of the store and of those who write differ


def _unlike_asked() -> Iterator[str]:
    """Deleted images are missed on purpose: a job may have fewer than it made, never more or another's."""
    counted = GenerationJob.objects.annotate(made=Count("images"))
    for job in counted.filter(made__gt=F("n")):
        yield f"{job.pk} has {job.made} images of {job.n}"
    for job in counted.exclude(status=Status.SUCCEEDED).filter(made__gt=0):
        yield f"{job.pk} is {job.status} and has {job.made} images"


def _blob_is_not_as_recorded() -> Iterator[str]:
    for image in Image.objects.iterator():
        if not default_storage.exists(image.blob) or not default_storage.exists(image.thumbnail):
            yield f"{image.pk} has lost its file"
        elif hashlib.sha256(storage.read(image.blob)).hexdigest() != image.sha256:
            yield f"{image.pk} has another file than was stored"
    for upload in Upload.objects.iterator():
        if not default_storage.exists(upload.blob):
            yield f"{upload.pk} has lost its file"
        elif hashlib.sha256(storage.read(upload.blob)).hexdigest() != upload.sha256:
            yield f"{upload.pk} has another file than was stored"


def _file_is_forgotten() -> Iterator[str]:
    """What an attempt leaves behind that ends without success is looked for; nothing looks for other files."""
    deadline = timezone.now() - FRESH
    # In the order in which a file changes hands: work goes on while we look.
    running = GenerationJob.objects.filter(status=Status.RUNNING).values_list("tenant_id", "pk", "attempt")
    folders = {storage.folder_of(*attempt) for attempt in running}
    known = {key for keys in Image.objects.values_list("blob", "thumbnail") for key in keys}
    known.update(Upload.objects.values_list("blob", flat=True))
    known.update(DiscardedFile.objects.values_list("key", flat=True))
    folders |= storage.abandoned()
    for key in storage.blobs():
        is_known = key in known or key.rpartition("/")[0] in folders
        if not is_known and default_storage.get_modified_time(key) < deadline:
            yield f"{key} belongs to no image and no upload, and nothing will remove it"


def _owner_differs() -> Iterator[str]:
    for image in Image.objects.exclude(tenant=F("job__tenant")):
        yield f"{image.pk} and its job belong to different tenants"
    for field in ("init_image", "mask"):
        for job in GenerationJob.objects.exclude(**{field: None}).exclude(**{f"{field}__tenant": F("tenant")}):
            yield f"{job.pk} is made with another tenant's {field}"
    for control in GenerationControl.objects.exclude(image__tenant=F("job__tenant")):
        yield f"{control.job_id} follows another tenant's picture"


INVARIANTS = [
    Invariant("I4", "a job has at most the images it was asked for, and only when it succeeded", _unlike_asked),
    Invariant("I8", "every image and every upload has its file, byte for byte", _blob_is_not_as_recorded),
    Invariant("I9", "no file is without an image, an upload or somebody who will remove it", _file_is_forgotten),
    Invariant("I10", "images and uploads are their job's tenant's", _owner_differs),
]
