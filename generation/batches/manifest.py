"""What lies in an archive, and how was each of it made? One row for each picture that was asked for, made or not."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.text import slugify

from generation.models import GenerationJob, Image
from generation.spec_serializers import SpecSerializer
from wire.spreadsheets import safe_cell

Row = dict[str, Any]

MAX_SLUG_CHARS = 40
DELETED = {"code": "image_deleted", "message": "This picture was deleted."}


def rows_of(jobs: Iterable[GenerationJob]) -> Iterator[tuple[Row, Image | None]]:
    """Yield a row for each picture, in the order in which they were asked, with its image if there is one."""
    for job in jobs:
        settings = {name: value for name, value in SpecSerializer(job).data.items() if name not in ("seed", "n")}
        images = {image.index: image for image in job.images.all()}
        for index in range(job.n):
            yield _row(job, index, images.get(index)) | settings, images.get(index)


def _row(job: GenerationJob, index: int, image: Image | None) -> Row:
    error = None if image or not job.is_finished else _why_not(job)
    return {
        "file": name_of(job, image) if image else None,
        "status": job.status,
        "error": error,
        "generation": job.pk,
        "image": image.pk if image else None,
        "spec": job.batch_index,
        "index": index,
        "seed": image.seed if image else None,
        "sha256": image.sha256 if image else None,
        "size_bytes": image.size_bytes if image else None,
    }


def _why_not(job: GenerationJob) -> dict[str, str]:
    if job.error_code:
        return {"code": job.error_code, "message": job.error_message}
    return DELETED if job.status == "succeeded" else {"code": job.status, "message": "This generation was cancelled."}


def name_of(job: GenerationJob, image: Image) -> str:
    """Return a name that stays the same and says what the picture is: `003-0-a-red-kite.png`."""
    slug = slugify(job.prompt[:200])[:MAX_SLUG_CHARS].strip("-_") or "picture"
    return f"{job.batch_index:03}-{image.index}-{slug}.{image.format}"


def deleted(row: Row) -> Row:
    """Return the row of a picture that was deleted while the archive was being read."""
    return row | {"file": None, "error": DELETED}


def as_json(rows: list[Row]) -> bytes:
    """Return the rows as they are."""
    return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def as_csv(rows: list[Row]) -> bytes:
    """Return the rows for spreadsheets; what they would take for a formula begins with an apostrophe."""
    flat = [_flat(row) for row in rows]
    file = io.StringIO()
    table = csv.DictWriter(file, fieldnames=list(flat[0]))
    table.writeheader()
    table.writerows(flat)
    return file.getvalue().encode()


def _flat(row: Row) -> Row:
    error = row["error"] or {"code": None, "message": None}
    parts = {"error": {"error_code": error["code"], "error_message": error["message"]}}
    cells = {name: cell for key, value in row.items() for name, cell in parts.get(key, {key: value}).items()}
    return {name: _cell(value) for name, value in cells.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return safe_cell(value)
