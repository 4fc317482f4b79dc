"""Of which days is usage told? Of those asked for, by the tenant's calendar, else of the last thirty."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from quotas.periods import day_of
from tenants.models import Tenant
from wire.errors import ApiError

MAX_DAYS = 366
USUAL_DAYS = 30


@dataclass(frozen=True)
class Span:
    """The days from the first to the last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Return how many there are."""
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(self.days))


def span_of(tenant: Tenant, query: Mapping[str, str]) -> Span:
    """Return the days from `from` to `to`. Raises ApiError naming the one that does not pass."""
    today = day_of(tenant, timezone.now()).starts_on
    last = _day(query, "to", today)
    first = _day(query, "from", max(last, date.min + timedelta(days=MAX_DAYS)) - timedelta(days=USUAL_DAYS - 1))
    span = Span(first, last)
    if span.days < 1:
        raise ApiError(400, "invalid_value", f"from must not be after to, which is {last}.", param="from")
    if span.days > MAX_DAYS:
        message = f"from and to may be {MAX_DAYS} days apart, these are {span.days}. Ask for one year after the other."
        raise ApiError(400, "invalid_value", message, param="from")
    return span


def _day(query: Mapping[str, str], name: str, usual: date) -> date:
    said = query.get(name)
    if not said:
        return usual
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        message = f"{name} must be a day like {usual}, by your tenant's calendar."
        raise ApiError(400, "invalid_value", message, param=name) from error
