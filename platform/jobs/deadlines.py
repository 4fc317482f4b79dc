"""Until when does its owner want a job? By `finish_by` or the header `Cancel-After`; after that it is cancelled."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Job, Status, job_models
from jobs.moves import LostLease, move
from wire.errors import ApiError

HEADER = "Cancel-After"
CANCEL_AFTER = re.compile(r"([1-9][0-9]{0,6})([smh]?)")
UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours"}
LONGEST = timedelta(days=30)
CODE = "deadline_exceeded"
WAITED = "It had not begun by the time until which it was wanted. Nothing was charged."
WORKED = "It was not finished by the time until which it was wanted."


def finish_by(headers: Mapping[str, str], said: datetime | None = None) -> datetime | None:
    """Return until when a request wants its job: the earlier of what its body and its header say. Raises ApiError."""
    text = headers.get(HEADER)
    if text is None:
        return said
    match = CANCEL_AFTER.fullmatch(text.strip())
    after = timedelta(**{UNITS[match[2]]: int(match[1])}) if match else None
    if after is None or after > LONGEST:
        message = f"{HEADER} must be a time in seconds, minutes or hours, 30 days at most: 90, 90s, 5m or 2h."
        raise ApiError(400, "invalid_cancel_after", message, param=HEADER)
    by = timezone.now() + after
    return by if said is None else min(by, said)


def refuse_impossible(job: Job) -> None:
    """Raise ApiError for a job that could not finish in time even if it were alone."""
    if job.finish_by is None:
        return
    earliest = timezone.now() + timedelta(milliseconds=job.estimated_ms)
    if job.finish_by < earliest:
        message = (
            f"{job.deadline_param} (until {job.finish_by:%Y-%m-%dT%H:%M:%SZ}) cannot be met: even alone this takes "
            f"until {earliest:%Y-%m-%dT%H:%M:%SZ}. Give it more time, or ask for less."
        )
        raise ApiError(400, "deadline_impossible", message, param=job.deadline_param)


def end_late() -> None:
    """Cancel what waits beyond its time, and let what runs stop at its next step. Safe to run anywhere, any time."""
    for model in job_models():
        late = model.objects.filter(finish_by__lt=Now())
        late.filter(status=Status.RUNNING, cancel_requested_at=None).update(cancel_requested_at=Now())
        for job in late.filter(status=Status.QUEUED):
            _cancel(job)


def why_cancelled(job: Job) -> dict[str, Any]:
    """Return what to note of a running job that is cancelled: nothing when its owner asked for that."""
    late = job.finish_by is not None and job.finish_by <= timezone.now()
    return {"error_code": CODE, "error_message": WORKED} if late else {}


def _cancel(job: Job) -> None:
    changes = {"error_code": CODE, "error_message": WAITED}
    try:
        move(job, Status.CANCELLED, detail=CODE, only_if=Q(finish_by__lt=Now()), **changes)
    except LostLease:
        return  # it was claimed this moment: the next sweep asks it to stop
