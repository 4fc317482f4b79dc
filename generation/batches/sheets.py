"""Which thumbnails make a sweep's contact sheet? The first picture of each of its generations, or a word why not."""

from collections.abc import Iterable
from functools import partial

from generation import storage
from generation.batches.sheet import Cell, contact_sheet
from generation.engine.png import png
from generation.models import Batch, GenerationJob
from jobs.models import Status
from wire.errors import ApiError


def png_of(batch: Batch, jobs: Iterable[GenerationJob]) -> bytes:
    """Return the sheet's file. Raises ApiError for a batch without axes, or when the picture store refuses."""
    if batch.kind != Batch.Kind.SWEEP:
        raise ApiError(404, "no_sheet", "Only sweeps have a contact sheet; this batch has an archive.")
    return png(contact_sheet(batch.axes, [_cell(job) for job in jobs]), {})


def _cell(job: GenerationJob) -> Cell:
    image = min(job.images.all(), key=lambda image: image.index, default=None)
    if image is not None:
        return Cell((image.width, image.height), partial(storage.read, image.thumbnail))
    return Cell((job.width, job.height), None, "deleted" if job.status == Status.SUCCEEDED else job.status)
