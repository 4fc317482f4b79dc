"""How much is left of what may be asked in a minute? A bucket in the store says, which fills again as time goes by.

A bucket is one number: when it will be full. Whoever takes a token moves that instant on by what a token needs to come
back; a bucket that nobody has taken from is not there at all. It holds a minute's worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, cast

from django.conf import settings

from wire.optional_store import OptionalStore

MINUTE = 60_000_000  # microseconds

# All buckets give, or none does; one round trip, by the store's own clock.
TAKE = """
local cost, now = tonumber(ARGV[1]), tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local fits, missing, wanted = 1, {}, {}
for i, name in ipairs(KEYS) do
  local per_minute = tonumber(ARGV[2 + i])
  local interval = math.floor(60000000 / per_minute)
  missing[i] = math.max((tonumber(redis.call('GET', name) or 0)) - now, 0)
  wanted[i] = missing[i] + cost * interval
  if cost > 0 and wanted[i] > per_minute * interval then fits = 0 end
end
if fits == 1 and cost > 0 then
  missing = wanted
  for i, name in ipairs(KEYS) do
    redis.call('SET', name, string.format('%.0f', now + missing[i]), 'PX', math.ceil(missing[i] / 1000) + 1)
  end
end
return {fits, unpack(missing)}
"""


class Bucket(NamedTuple):
    """What holds the requests that somebody may make."""

    name: str
    whose: str
    per_minute: int

    @property
    def interval(self) -> int:
        """Return after how many microseconds a token comes back."""
        return MINUTE // self.per_minute


class Level(NamedTuple):
    """How a bucket stands: how many microseconds it needs to be full again."""

    bucket: Bucket
    missing: int

    @property
    def remaining(self) -> int:
        """Return how many tokens are in it."""
        return self.bucket.per_minute - -(-self.missing // max(self.bucket.interval, 1))

    def wait(self, cost: int) -> int:
        """Return after how many microseconds so many tokens are in it."""
        return max(0, self.missing - (self.bucket.per_minute - cost) * self.bucket.interval)


@dataclass(frozen=True)
class Taken:
    """Whether the buckets gave, and how they stand now."""

    is_allowed: bool
    levels: Sequence[Level]


class Buckets(OptionalStore):
    """All buckets. `at`, in microseconds, stands for the store's clock where time is not real."""

    def __init__(self, url: str) -> None:
        super().__init__(url, for_what="rate limits", seconds=0.5)
        self.script = self.client.register_script(TAKE)

    def take(self, buckets: Sequence[Bucket], cost: int = 1, *, at: int | None = None) -> Taken | None:
        """Take so many tokens from each of these buckets, or none from any; None when the store does not say."""
        arguments = [cost, "" if at is None else at, *(bucket.per_minute for bucket in buckets)]
        said = self.ask(lambda: self.script([bucket.name for bucket in buckets], arguments))
        if said is None:
            return None
        fits, *missing = cast("list[int]", said)
        return Taken(bool(fits), [Level(*each) for each in zip(buckets, missing, strict=True)])


def store() -> Buckets:
    """Return the store that the settings name."""
    return _store_at(settings.REDIS_URL)


@cache
def _store_at(url: str) -> Buckets:
    return Buckets(url)
