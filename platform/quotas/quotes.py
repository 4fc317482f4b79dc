"""How long does a quote hold, and for what? Ten minutes, for the very request that it was asked for."""

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from quotas.models import Quote
from tenants.models import Tenant
from wire.errors import ApiError
from wire.ids import is_id

KEPT = timedelta(minutes=10)


def keep_quote(tenant: Tenant, digest: str, ms: int) -> Quote:
    """Promise that the request of this digest will be charged so many GPU-milliseconds at most."""
    now = timezone.now()
    return Quote.objects.create(tenant=tenant, digest=digest, ms=ms, created_at=now, expires_at=now + KEPT)


def find_quotes(tenant: Tenant, ids: set[str]) -> dict[str, Quote]:
    """Return this tenant's quotes among these ids; one query, none when nobody names any."""
    wanted = [each for each in ids if is_id(each, "quo")]
    return {quote.pk: quote for quote in Quote.objects.for_tenant(tenant).filter(pk__in=wanted)} if wanted else {}


def honoured_ms(quotes: Mapping[str, Quote], quote_id: str, digest: str, *, param: str = "quote") -> int:
    """Return what was promised for the request of this digest. Raises ApiError when nothing was."""
    quote = quotes.get(quote_id)
    if quote is None or quote.expires_at <= timezone.now():
        # One that has been removed and one that never was look alike; either way a new one is the way out.
        message = "There is no such quote, or its ten minutes are over. Ask POST /api/v1/quotes for another."
        raise ApiError(400, "quote_expired", message, param=param)
    if quote.digest != digest:
        message = "This quote is for another request. Send the fields that were quoted, or ask for another quote."
        raise ApiError(400, "quote_mismatch", message, param=param)
    return int(quote.ms)


def remove_expired() -> None:
    """Forget quotes that hold no more."""
    Quote.objects.filter(expires_at__lt=timezone.now()).delete()
