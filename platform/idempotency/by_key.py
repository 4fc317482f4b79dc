"""How is a request known that comes with an Idempotency-Key? By that key, in its tenant and on its route, for a day."""

import hashlib
import re
from datetime import timedelta

from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from idempotency import keeping
from idempotency.digests import digest_of
from idempotency.models import KeptRequest
from idempotency.sealing import sealed, unsealed
from tenants.authentication import caller
from wire.errors import ApiError

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
VISIBLE = re.compile(r"[!-~]{1,255}")


def route_of(request: Request) -> str:
    """Return the method and the path, as long as a column; the whole path is in the digest."""
    return f"{request.method} {request._request.path_info}"[:200]


class ByKey:
    """A request that names itself."""

    def __init__(self, request: Request) -> None:
        self.request, self.key = request, request.headers[HEADER]
        if not VISIBLE.fullmatch(self.key):
            message = f"{HEADER} must have 1 to 255 visible ASCII characters, without spaces; a UUID is a good one."
            raise ApiError(400, "invalid_idempotency_key", message)
        self.tenant, self.route = caller(request).tenant, route_of(request)
        self.digest = hashlib.sha256(self.key.encode()).hexdigest()

    def find(self) -> KeptRequest | None:
        """Return what is kept of the request, None when it is new. Raises ApiError while it is being done, and when it
        said something else before."""
        kept = KeptRequest.objects.for_tenant(self.tenant).filter(route=self.route, digest=self.digest).first()
        if kept is None or keeping.is_forgotten(kept, timezone.now()):
            return None
        keeping.check(kept, digest_of(self.request))
        return kept

    def begun(self) -> tuple[KeptRequest, bool]:
        """Return the row of the request, and whether it is ours to do. Raises ApiError."""
        fresh = KeptRequest(
            tenant=self.tenant,
            route=self.route,
            digest=self.digest,
            body_digest=digest_of(self.request),
            expires_at=timezone.now() + KEPT,
        )
        return keeping.begun(fresh)

    def keep(self, kept: KeptRequest, response: Response) -> None:
        """Keep the answer for those who ask again. Raises ApiError when another does the request meanwhile."""
        body = sealed(self.key, JSONRenderer().render(response.data) or b"null")
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
        keeping.finish(kept, status=response.status_code, headers=headers, body=body)

    def replayed(self, kept: KeptRequest) -> Response:
        """Return the answer that was given before. Raises ApiError when it can no longer be read."""
        return Response(unsealed(self.key, kept.body), status=kept.status, headers=kept.headers)
