"""Which day and which month is it for a tenant, and when do they end? By the clock on its wall, summer time or not."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quotas.models import Spending
from tenants.models import Tenant


@dataclass(frozen=True)
class Period:
    """A day or a month of a tenant's calendar."""

    kind: str
    starts_on: date
    ends_at: datetime  # the first moment after it; in UTC, where an hour later is an hour later
    zone: ZoneInfo

    @property
    def end(self) -> str:
        """Return when it ends, for people."""
        return f"{self.ends_at.astimezone(self.zone):%Y-%m-%d %H:%M} ({self.zone.key})"


def day_of(tenant: Tenant, now: datetime) -> Period:
    """Return the day that it is for this tenant."""
    zone = zone_of(tenant)
    today = now.astimezone(zone).date()
    return Period(Spending.Period.DAY, today, _begin(today + timedelta(days=1), zone), zone)


def month_of(tenant: Tenant, now: datetime) -> Period:
    """Return the month that it is for this tenant."""
    zone = zone_of(tenant)
    first = month_begin(now.astimezone(zone).date())
    return Period(Spending.Period.MONTH, first, _begin(month_begin(first + timedelta(days=31)), zone), zone)


def month_begin(day: date) -> date:
    """Return the first day of the month that this day is in."""
    return day.replace(day=1)


def zone_of(tenant: Tenant) -> ZoneInfo:
    """Return the tenant's time zone, UTC for one that this machine does not know: no typo may stop its work."""
    try:
        return ZoneInfo(tenant.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the latter two for what is no name at all
        return ZoneInfo("UTC")


def _begin(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day. Where midnight is skipped, that is when the clocks go forward."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
