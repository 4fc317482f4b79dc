"""Where is a picture that somebody gave? Re-encoded as PNG under its tenant's name, one row for one picture."""

import hashlib
import io
import logging
import threading
from contextlib import suppress
from datetime import timedelta

import PIL.Image
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, ProtectedError
from django.utils import timezone

from generation import storage
from generation.engine.png import png
from generation.intake.decoding import MAX_BYTES, decoded
from generation.models import DiscardedFile, GenerationControl, GenerationJob, Upload
from idempotency.keeping import go_on
from quotas import storage as kept
from tenants.models import Tenant
from wire.errors import ApiError
from wire.failpoints import Point, failpoint
from wire.ids import new_id

log = logging.getLogger(__name__)

KEPT = timedelta(days=1)
DECODING = threading.Lock()  # one at a time in a process: the largest picture takes a second and up to 340 MiB (WebP)


def keep(tenant: Tenant, content: bytes, param: str, *, most_bytes: int | None = MAX_BYTES) -> Upload:
    """Return the tenant's upload of the picture in this file, the known one if it is here. Raises ApiError."""
    go_on()
    with DECODING:
        go_on()
        picture = decoded(content, param, most_bytes=most_bytes)
        file = png(picture, {})
    go_on()
    sha256 = hashlib.sha256(file).hexdigest()
    known = refreshed(Upload.objects.for_tenant(tenant).filter(sha256=sha256))
    return known or _stored(tenant, file, sha256, picture.size)


def refreshed(owned: "models.QuerySet[Upload]") -> Upload | None:
    """Return the one upload among these rows, kept for another day; None when there is none."""
    return owned.first() if owned.update(used_at=timezone.now()) else None


def _stored(tenant: Tenant, file: bytes, sha256: str, size: tuple[int, int]) -> Upload:
    """Write the file, then the row. A note made before removes the file if we die between the two."""
    kept.check_room(tenant, len(file))
    upload = Upload(id=new_id("upl"), tenant=tenant, sha256=sha256, size_bytes=len(file), width=size[0], height=size[1])
    upload.blob = f"{storage.ROOT}/{tenant.pk}/uploads/{upload.pk}.png"
    note = DiscardedFile.objects.create(key=upload.blob, due_at=timezone.now() + storage.ORPHAN_AGE)
    failpoint(Point.UPLOAD_NOTED)
    storage.put(upload.blob, file)
    failpoint(Point.UPLOAD_WRITTEN)
    try:
        with transaction.atomic():
            upload.save(force_insert=True)
            kept.take(tenant, len(file))
            note.delete()
    except IntegrityError:  # the same picture came twice at a time, and the other was first
        known = refreshed(Upload.objects.for_tenant(tenant).filter(sha256=sha256))
        if known is None:
            raise
        return known
    return upload


def open_picture(upload: Upload) -> PIL.Image.Image:
    """Return the picture: RGB, RGBA where it had alpha, L where it was grey. Asks the store, not the database."""
    with PIL.Image.open(io.BytesIO(storage.read(upload.blob)), formats=["PNG"]) as picture:
        picture.load()
        return picture


def delete_upload(upload: Upload) -> None:
    """Forget an upload and its file. Raises ApiError while a generation refers to it."""
    try:
        _forget(Upload.objects.filter(pk=upload.pk))
    except ProtectedError:
        message = "A generation was made with this picture, which is kept as long as that is."
        raise ApiError(409, "resource_in_use", message) from None
    with suppress(ApiError):  # the note stays for the next chores
        storage.remove_discarded()


def remove_unused() -> None:
    """Forget the uploads that nothing refers to and nobody named in a day. Raises ApiError when the store refuses."""
    jobs = GenerationJob.objects.filter
    old = Upload.objects.filter(
        ~Exists(jobs(init_image=OuterRef("pk"))),
        ~Exists(jobs(mask=OuterRef("pk"))),
        ~Exists(GenerationControl.objects.filter(image=OuterRef("pk"))),
        used_at__lt=timezone.now() - KEPT,
    )
    for upload in old:
        with suppress(ProtectedError):  # a generation took it meanwhile
            _forget(Upload.objects.filter(pk=upload.pk, used_at=upload.used_at))
    if old:
        log.info("removed %s uploads that nothing uses", len(old))
    storage.remove_discarded()


def _forget(rows: "models.QuerySet[Upload]") -> None:
    """Delete the one upload among these rows, if it is still there, and note its file for removal."""
    with transaction.atomic():
        upload = rows.select_for_update().first()
        if upload is not None:
            upload.delete()
            kept.remove(upload.tenant_id, upload.size_bytes)
            DiscardedFile.objects.create(key=upload.blob)
