"""A tenant's days and months, by its own clock."""

from datetime import UTC, date, datetime, timedelta

import pytest

from quotas.periods import day_of, month_of
from tenants.models import Tenant


def at(text):
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def utc(moment):
    """Return a moment's time in UTC, to be read."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def test_midnight_comes_when_it_is_midnight_there():
    auckland = Tenant(time_zone="Pacific/Auckland")
    assert day_of(auckland, at("2026-11-24 10:59")).starts_on == date(2026, 11, 24)
    assert day_of(auckland, at("2026-11-24 11:00")).starts_on == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("zone", "now", "ends_at"),
    [
        ("Europe/Berlin", "2026-03-29 00:00", "2026-03-29 22:00"),  # a day of 23 hours
        ("Europe/Berlin", "2026-10-25 00:00", "2026-10-25 23:00"),  # of 25
        ("America/Havana", "2026-10-31 12:00", "2026-11-01 04:00"),  # midnight comes twice: the first one counts
        ("America/Santiago", "2026-09-05 12:00", "2026-09-06 04:00"),  # midnight is skipped
    ],
)
def test_days_are_as_long_as_they_are(zone, now, ends_at):
    assert utc(day_of(Tenant(time_zone=zone), at(now)).ends_at) == ends_at


@pytest.mark.parametrize(
    "zone", ["America/Havana", "America/Santiago", "Africa/Cairo", "Europe/Berlin", "Asia/Kolkata"]
)
def test_a_period_ends_when_the_next_one_begins(zone):
    tenant, now = Tenant(time_zone=zone), at("2026-01-01 00:30")
    while now.year == 2026:
        day, month = day_of(tenant, now), month_of(tenant, now)
        assert day_of(tenant, day.ends_at).starts_on == day.starts_on + timedelta(days=1)
        assert day_of(tenant, day.ends_at - timedelta(seconds=1)).starts_on == day.starts_on
        assert month_of(tenant, month.ends_at - timedelta(seconds=1)) == month != month_of(tenant, month.ends_at)
        now += timedelta(hours=7)


def test_a_year_ends_in_december():
    month = month_of(Tenant(time_zone="America/Los_Angeles"), at("2027-01-01 07:59"))
    assert (month.starts_on, utc(month.ends_at)) == (date(2026, 12, 1), "2027-01-01 08:00")


@pytest.mark.parametrize("zone", ["Middle/Earth", "", "../../etc/passwd", "Europe"])
def test_a_zone_that_nobody_knows_is_utc(zone):
    assert utc(day_of(Tenant(time_zone=zone), at("2026-11-24 13:00")).ends_at) == "2026-11-25 00:00"
