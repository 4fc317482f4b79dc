"""What makes a door do a request once, however often it comes? One word more among its bases.

`class Keys(OnceWhole, APIView)`. A request that comes again is answered before quotas and rate limits are asked.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from idempotency import by_key, by_retry, keeping
from idempotency.by_key import ByKey
from idempotency.by_retry import ByRetry
from idempotency.models import KeptRequest

Known = ByKey | ByRetry
Handler = Callable[..., Response]


class Once(APIView):
    """A door whose POST is done once for one Idempotency-Key.

    What makes a job says so to `keeping.note_made` in its transaction, and asks `keeping.made_before` first. Of the
    others the answer is kept: a process that dies between the deed and the answer lets a retry do it again.
    """

    in_one_transaction = False

    def known_by(self, request: Request) -> Known | None:
        """Return by what the request is known when it comes again; None for one that says nothing. Raises ApiError."""
        return ByKey(request) if by_key.HEADER in request.headers else None

    def check_throttles(self, request: Request) -> None:
        """Count the request, unless it was done before; from here on it is done once."""
        known = kept = None
        http: Any = request._request
        try:
            known = self.known_by(request) if request.method == "POST" else None
            kept = known.find() if known else None
        finally:  # what is refused here counts too
            http.is_replay = kept is not None
            super().check_throttles(request)
        if known:
            self.post: Handler = partial(self._once, self.post, known, kept)

    def _once(
        self, handler: Handler, known: Known, kept: KeptRequest | None, request: Request, **kwargs: Any
    ) -> Response:
        """Do the request or answer it again."""
        kept, is_ours = (kept, False) if kept else known.begun()
        http: Any = request._request
        http.is_replay = not is_ours
        if not is_ours and not kept.job_id:
            return known.replayed(kept)
        with keeping.doing(kept), transaction.atomic() if self.in_one_transaction else nullcontext():
            response = handler(request, **kwargs)
            if kept.lease_until is not None and response.status_code < 400:
                known.keep(kept, response)
        return response


class OnceWhole(Once):
    """A door that keeps its answer in the same transaction as what it does: both are there, or neither.

    For doors that ask nobody but the database; what they do at the commit happens after this one.
    """

    in_one_transaction = True


class OnceOrJoined(Once):
    """A door for OpenAI's clients, which send no key and repeat by themselves what took too long."""

    def known_by(self, request: Request) -> Known | None:
        """Return by what the request is known: its key, or else how often the client has tried."""
        tries = request.headers.get(by_retry.HEADER, "")
        if by_key.HEADER not in request.headers and tries.isascii() and tries.isdigit() and len(tries) < 4:
            return ByRetry(request, int(tries))
        return super().known_by(request)
