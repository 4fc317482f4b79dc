"""Who does a request that came twice, and what does the other hear? One row says so, held by a lease while it is done.

The lease is the fence: whoever writes down what was made does so in the very transaction that makes it, and only while
the row is still theirs. A process that dies before its commit leaves a lease to lapse, one that dies after it the job.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from idempotency.models import KeptRequest
from tenants.ownership import OwnedQuerySet
from wire.errors import OUT_OF_REACH, ApiError

# Longer than a request takes until its job is made, or until it says that it goes on: a picture is fetched for ten
# seconds at most. Who lost their answer with the process that was making it waits no longer than this; where the
# database keeps somebody waiting for longer, the fence holds, and what they began is done once more.
LEASE = timedelta(seconds=20)

_current: ContextVar[KeptRequest | None] = ContextVar("kept_request", default=None)


def begun(kept: KeptRequest) -> tuple[KeptRequest, bool]:
    """Return the row by which this request is known, and whether it is ours to do. Raises ApiError when somebody else
    is doing it, or when it said something else."""
    kept.lease_until = timezone.now() + LEASE
    same = KeptRequest.objects.for_tenant(kept.tenant_id).filter(route=kept.route, digest=kept.digest)
    try:
        with transaction.atomic():
            kept.save(force_insert=True)
    except IntegrityError:
        found = same.first()
        if found is None:  # it was refused and forgotten just now
            raise in_progress() from None
        if taken_over(same, kept):
            return kept, True
        check(found, kept.body_digest)
        return found, False
    return kept, True


def taken_over(rows: OwnedQuerySet, kept: KeptRequest) -> bool:
    """Make the one row among these ours if whoever did it is silent, or if it is too old to count."""
    now = timezone.now()
    lost = rows.filter(Q(expires_at__lte=now) | Q(job_id="", lease_until__lte=now))
    named = ("body_digest", "created_at", "expires_at", "lease_until", "job_id", "status", "retries")
    if lost.update(**{name: getattr(kept, name) for name in named}) != 1:
        return False
    kept.pk = rows.get().pk
    return True


def is_forgotten(kept: KeptRequest, now: datetime) -> bool:
    """Return whether the row says nothing any more: it is too old, or whoever did it is silent."""
    return kept.expires_at <= now or (not kept.job_id and kept.lease_until is not None and kept.lease_until <= now)


def check(kept: KeptRequest, body_digest: str) -> None:
    """Raise ApiError unless this row is of the same request and has been done."""
    if kept.body_digest != body_digest:
        message = "This Idempotency-Key came with another request before. Use a new key for a new request."
        raise ApiError(422, "idempotency_key_reused", message)
    if kept.lease_until is not None:
        raise in_progress()


def in_progress() -> ApiError:
    """Return the answer while the same request is being done, which OpenAI's clients repeat by themselves."""
    message = "The same request is being done right now. Repeat it in a second to hear its answer."
    return ApiError(409, "idempotency_in_progress", message, retry_after="1")


@contextmanager
def doing(kept: KeptRequest) -> Iterator[None]:
    """Do the request of this row, or answer it again; a request that made nothing is forgotten."""
    token = _current.set(kept)
    try:
        yield
    finally:
        _current.reset(token)
        if kept.lease_until is not None:
            with suppress(*OUT_OF_REACH):  # then the lease lapses
                _ours(kept).delete()


def made_before() -> str:
    """Return the id of the job that this very request made when it came before; empty when it is to make one."""
    kept = _current.get()
    return kept.job_id if kept else ""


def go_on() -> None:
    """Hold the request being done for longer, once its lease is half over; said between what takes seconds, outside
    transactions. Raises ApiError when another has taken the request over meanwhile."""
    kept, now = _current.get(), timezone.now()
    if kept is None or kept.lease_until is None or kept.lease_until > now + LEASE / 2:
        return
    if _ours(kept).update(lease_until=now + LEASE) != 1:
        raise in_progress()
    kept.lease_until = now + LEASE


def note_made(job_id: str) -> None:
    """Write down what the request being done makes, in the transaction that makes it. Raises ApiError when another has
    taken the request over meanwhile."""
    kept = _current.get()
    if kept is not None:
        finish(kept, job_id=job_id)


def finish(kept: KeptRequest, **what: Any) -> None:
    """Write down how the request was done. Raises ApiError when another has taken it over meanwhile."""
    if _ours(kept).update(lease_until=None, **what) != 1:
        raise in_progress()
    transaction.on_commit(partial(setattr, kept, "lease_until", None))


def answering() -> Callable[[], None]:
    """Return what is to be called when the request being done has been answered: who did not wait for that is the one
    who comes again."""
    kept = _current.get()
    if kept is None or kept.retries is None:
        return lambda: None
    return lambda: _note_answer(kept.pk)


def _note_answer(pk: int) -> None:
    KeptRequest.objects.filter(pk=pk).update(status=200)


def forget_expired() -> None:
    """Forget the requests that will not come again. A chore."""
    KeptRequest.objects.filter(expires_at__lte=timezone.now()).delete()


def _ours(kept: KeptRequest) -> OwnedQuerySet:
    """Return the row as long as nobody else has taken it over, and nothing was made."""
    return KeptRequest.objects.for_tenant(kept.tenant_id).filter(pk=kept.pk, lease_until=kept.lease_until, job_id="")
