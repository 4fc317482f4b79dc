"""Which time zones are there? Those of the IANA's database, by their names."""

import zoneinfo
from functools import cache

from django.core.exceptions import ValidationError

UTC = "UTC"
# What people live in; the rest are old names and bare offsets, which are valid but not offered.
REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


@cache
def names() -> frozenset[str]:
    """Return every name that counts."""
    return frozenset(zoneinfo.available_timezones())


def is_time_zone(name: str) -> None:
    """Raise ValidationError unless this is a time zone's name."""
    if name not in names():
        raise ValidationError(f"{name[:60]!r} is no time zone. Give a name like Europe/Berlin.", code="invalid_value")


@cache
def offered() -> tuple[str, ...]:
    """Return the names among which people choose, UTC first."""
    return (UTC, *sorted(name for name in names() if name.partition("/")[0] in REGIONS))
