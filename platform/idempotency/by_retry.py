"""How is a request known that a client repeats by itself, without a key? OpenAI's clients count their retries.

One that counts none is new, however often it said the same. One that counts some is one of those that the same caller
made in the same words, whose answer never arrived: the oldest that nobody was answered, or else the newest.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from idempotency import keeping
from idempotency.by_key import route_of
from idempotency.digests import digest_of
from idempotency.models import KeptRequest
from tenants.authentication import caller
from tenants.ownership import OwnedQuerySet

HEADER = "x-stainless-retry-count"
# The clients give up after 600 s, and ask again at most 8 s later.
WINDOW = timedelta(seconds=620)
ALIKE_CHARS = 40


class ByRetry:
    """A request of a client that says how often it has tried."""

    def __init__(self, request: Request, tries: int) -> None:
        who = caller(request)
        self.tenant, self.route, self.tries = who.tenant, route_of(request), tries
        self.body_digest = digest_of(request)
        asker = who.key.pk if who.key else f"user {who.user.pk}" if who.user else ""
        self.alike = hashlib.sha256(f"{asker} {self.body_digest}".encode()).hexdigest()[:ALIKE_CHARS]

    def find(self) -> KeptRequest | None:
        """Return the request that this one repeats, joined; None when it is new. Raises ApiError while its job is being
        made."""
        while self.tries and (found := self._first()):
            same = self._rows.filter(pk=found.pk)
            # Ours from now on: others in the same words do not wait for it too.
            if not same.filter(retries__lt=self.tries).update(retries=self.tries, expires_at=timezone.now() + WINDOW):
                continue
            kept = same.first()  # as it is now: on PostgreSQL we have waited for whoever was making its job
            if kept is None or kept.lease_until is None:
                return kept
            raise keeping.in_progress()
        return None

    def _first(self) -> KeptRequest | None:
        now = timezone.now()
        alive = self._rows.filter(Q(lease_until=None) | Q(lease_until__gt=now), expires_at__gt=now)
        left = alive.filter(retries__lt=self.tries)
        oldest: KeptRequest | None = left.filter(status=None).order_by("pk").first()
        return oldest or left.exclude(status=None).order_by("-pk").first()

    @property
    def _rows(self) -> OwnedQuerySet:
        # Digests are hexadecimal: whatever begins alike comes before its beginning with a "g".
        alike = {"digest__gte": self.alike, "digest__lt": f"{self.alike}g"}
        return KeptRequest.objects.for_tenant(self.tenant).filter(route=self.route, **alike)

    def begun(self) -> tuple[KeptRequest, bool]:
        """Return a row for the request, which is ours to do: a silent one's that it repeats, or a new one."""
        fresh = KeptRequest(
            tenant=self.tenant,
            route=self.route,
            digest=self.alike + secrets.token_hex(12),
            body_digest=self.body_digest,
            expires_at=timezone.now() + WINDOW,
            lease_until=timezone.now() + keeping.LEASE,
            retries=self.tries,
        )
        silent = self._rows.filter(lease_until__lte=timezone.now()).order_by("pk").first() if self.tries else None
        if silent and keeping.taken_over(self._rows.filter(pk=silent.pk), fresh):
            return fresh, True
        return keeping.begun(fresh)

    def keep(self, kept: KeptRequest, response: Response) -> None:
        """Keep nothing: what made no job may be done again."""

    def replayed(self, kept: KeptRequest) -> Response:
        """Never asked: what is joined has a job, and what made none is not kept."""
        raise NotImplementedError
