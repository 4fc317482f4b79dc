"""How do many pictures leave in one file? As a ZIP that is made while it is sent: one picture in memory, no more."""

import stat
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.http import HttpRequest, StreamingHttpResponse
from stream_zip import NO_COMPRESSION_64, ZIP_64, MemberFile, stream_zip

from generation import storage
from generation.batches import manifest
from generation.batches.manifest import Row
from generation.models import GenerationJob, Image
from jobs.threads import each_in_thread
from jobs.watch import WATCH
from tenants.standing import standing_of
from wire.errors import ApiError

PIECE_BYTES = 1 << 20  # what is sent at once, from a thread that is free in between
READABLE = stat.S_IFREG | 0o644


def archive_response(
    request: HttpRequest, name: str, jobs: Iterable[GenerationJob], at: datetime
) -> StreamingHttpResponse:
    """Answer with the archive of these generations, whose rows are read already: a slow reader holds no connection.

    Whose key is revoked meanwhile gets no further piece: the transfer breaks off.
    """
    pieces = WATCH.while_welcome(standing_of(request), each_in_thread(iter(archive(list(jobs), at))))
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


def archive(jobs: Iterable[GenerationJob], at: datetime) -> Iterable[bytes]:
    """Return the file in pieces; `at` dates its manifests. Raises ApiError where the picture store refuses."""
    return stream_zip(_members(jobs, at), chunk_size=PIECE_BYTES)


def _members(jobs: Iterable[GenerationJob], at: datetime) -> Iterator[MemberFile]:
    """Yield each picture, then what tells of them: only then is known which could be read."""
    told: list[Row] = []
    for row, image in manifest.rows_of(jobs):
        member = _picture(row["file"], image) if image else None
        told.append(manifest.deleted(row) if image and not member else row)
        if member:
            yield member
    yield "manifest.csv", at, READABLE, ZIP_64, [manifest.as_csv(told)]
    yield "manifest.json", at, READABLE, ZIP_64, [manifest.as_json(told)]


def _picture(name: str, image: Image) -> MemberFile | None:
    """Return the picture as part of an archive, None when it was deleted meanwhile. Raises ApiError."""
    try:
        content = storage.read(image.blob)
    except ApiError:
        if Image.objects.filter(pk=image.pk).exists():
            raise  # and the transfer breaks off, which nobody takes for an archive
        return None
    return name, image.created_at, READABLE, NO_COMPRESSION_64(len(content), zlib.crc32(content)), _pieces(content)


def _pieces(content: bytes) -> Iterator[bytes]:
    """Yield the bytes in pieces, and let go of them: whoever asks for the next picture has only the last piece."""
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
