"""What makes a door do a request once, however often it comes? That its view says how, in one word: `once`.

The rooms above take it from the classes here; those beside and below, which cannot know them, write the word itself.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from idempotency import by_key, by_retry, keeping
from idempotency.by_key import ByKey
from idempotency.by_retry import ByRetry
from idempotency.models import KeptRequest

Known = ByKey | ByRetry
Handler = Callable[..., Response]

APART, WHOLE, JOINED = "apart", "whole", "joined"


class Once:
    """A door whose POST is done once for one Idempotency-Key.

    What makes a job says so to `keeping.note_made` in its transaction, and asks `keeping.made_before` first. Of the
    others the answer is kept: a process that dies between the deed and the answer lets a retry do it again.
    """

    once = APART

    def makes_nothing(self, request: Request) -> bool:
        """Return whether the request is a question, whose key is left to the request that makes what it asked about."""
        return False


class OnceWhole(Once):
    """A door that keeps its answer in the same transaction as what it does: both are there, or neither.

    For doors that ask nobody but the database; what they do at the commit happens after this one.
    """

    once = WHOLE


class OnceOrJoined(Once):
    """A door for OpenAI's clients, which send no key and repeat by themselves what took too long."""

    once = JOINED


def prepare(request: Request, view: Any) -> None:
    """Let the view do this request once, if it says so, and note whether it was done before: asked when the caller is
    known, before quotas and rate limits. Raises ApiError, and what reading the body raises."""
    how = getattr(view, "once", "")
    known = _known_by(request, how) if how and request.method == "POST" else None
    if known:
        kept = known.find()
        if kept is None and isinstance(view, Once) and view.makes_nothing(request):
            return
        http: Any = request._request
        http.is_replay = kept is not None
        view.post = partial(_once, view.post, how, known, kept)


def _known_by(request: Request, how: str) -> Known | None:
    """Return by what the request is known when it comes again; None for one that says nothing. Raises ApiError."""
    if by_key.HEADER in request.headers:
        return ByKey(request)
    tries = request.headers.get(by_retry.HEADER, "")
    is_counted = tries.isascii() and tries.isdigit() and len(tries) < 4
    return ByRetry(request, int(tries)) if how == JOINED and is_counted else None


def _once(
    handler: Handler, how: str, known: Known, kept: KeptRequest | None, request: Request, **kwargs: Any
) -> Response:
    """Do the request or answer it again."""
    kept, is_ours = (kept, False) if kept else known.begun()
    http: Any = request._request
    http.is_replay = not is_ours
    if not is_ours and not kept.job_id:
        return known.replayed(kept)
    with keeping.doing(kept), transaction.atomic() if how == WHOLE else nullcontext():
        response = handler(request, **kwargs)
        if kept.lease_until is not None and response.status_code < 400:
            known.keep(kept, response)
    return response
