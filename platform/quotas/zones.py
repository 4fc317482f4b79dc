"""May a tenant's days begin elsewhere now? Not while its day has been used and would be another one there."""

from datetime import datetime, timedelta

from django.utils import timezone

from quotas.ledger import COLUMNS
from quotas.models import Spending
from quotas.periods import Period, day_of, month_begin
from quotas.standing import spending
from tenants.models import Tenant
from wire.errors import ApiError


def refuse_escape(tenant: Tenant, time_zone: str, *, now: datetime | None = None) -> None:
    """Raise ApiError if a tenant that has used something would come to a day of which it has used nothing.

    Where it is the same date in both time zones, the same rows go on counting.
    """
    now = now or timezone.now()
    here, there = day_of(tenant, now), day_of(Tenant(time_zone=time_zone), now)
    if here.starts_on == there.starts_on:
        return
    same_month = month_begin(here.starts_on) == month_begin(there.starts_on)
    rows = [row for row in spending(tenant, now).values() if not (same_month and row.period == Spending.Period.MONTH)]
    if any(getattr(row, column) for row in rows for column in COLUMNS):
        message = (
            "Something of this day or month is used or reserved, and the change would begin another day: "
            f"it is {here.starts_on} in {here.zone.key} and {there.starts_on} in {there.zone.key}. "
            f"{_way_out(here, there)}"
        )
        raise ApiError(409, "day_in_use", message, param="time_zone")


def _way_out(here: Period, there: Period) -> str:
    """Return from when on it is the same date in both, if it ever is."""
    behind, ahead = sorted((here, there), key=lambda day: day.starts_on)
    following = behind.starts_on + timedelta(days=1)
    if following == ahead.starts_on == behind.ends_at.astimezone(ahead.zone).date():
        return f"You can change it from {behind.end} on."
    return f"They are never on one date: change it to UTC first, and then to {there.zone.key}."
