"""A bucket gives a minute's worth at once, then what flows in, to the microsecond; the time is not real here."""

import itertools
import threading
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.up.store import free_port
from quotas import buckets
from quotas.buckets import MINUTE, Bucket, Buckets, Level

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
NAMES = (f"rate:{number}" for number in itertools.count())


@pytest.fixture
def take(valkey):
    """Take from a bucket at an instant of virtual time, and return whether it gave."""
    return lambda *some, at=0, cost=1: buckets.store().take(some, cost, at=START + at)


def of(per_minute, whose="tenant"):
    """Return a bucket that nobody has taken from."""
    return Bucket(next(NAMES), whose, per_minute)


class Reference:
    """A token bucket as the textbook has it, in exact fractions."""

    def __init__(self, per_minute):
        self.per_minute, self.tokens, self.at = per_minute, Fraction(per_minute), 0

    def take(self, at):
        """Return whether there is a token at this instant."""
        flown = Fraction(at - self.at, MINUTE // self.per_minute)
        self.tokens, self.at = min(self.tokens + flown, Fraction(self.per_minute)), at
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.integers(1, 50), st.lists(st.integers(0, 90 * SECOND) | st.integers(0, SECOND), max_size=40))
def test_it_gives_what_the_textbook_gives(take, per_minute, gaps):
    ours, reference = of(per_minute), Reference(per_minute)
    for at in itertools.accumulate(gaps):
        assert take(ours, at=at).is_allowed == reference.take(at)


@pytest.mark.parametrize("per_minute", [1, 7, 35, 60, 6000])
def test_it_holds_a_minutes_worth_and_not_one_more(take, per_minute):
    bucket = of(per_minute)
    gave = [take(bucket).is_allowed for _ in range(per_minute + 1)]
    assert gave == [True] * per_minute + [False]


def test_a_token_is_back_to_the_microsecond(take):
    bucket = of(7)
    level = [take(bucket) for _ in range(8)][-1].levels[0]
    wait = level.wait(1)
    assert wait == MINUTE // 7
    assert [take(bucket, at=at).is_allowed for at in (wait - 1, wait, wait)] == [False, True, False]


def test_what_was_refused_took_nothing(take):
    bucket = of(2)
    for _ in range(9):
        last = take(bucket)
    assert (last.levels[0].remaining, last.levels[0].missing) == (0, MINUTE)


def test_of_two_buckets_both_give_or_neither(take):
    large, small = of(10), of(1, "key")
    assert [take(large, small).is_allowed for _ in range(3)] == [True, False, False]
    assert take(large, cost=0).levels[0].remaining == 9


def test_looking_takes_nothing_and_is_never_refused(take, valkey):
    bucket = of(1)
    assert take(bucket, cost=0).levels == [Level(bucket, 0)]
    assert not valkey.exists(bucket.name)
    take(bucket)
    assert (take(bucket, cost=0).is_allowed, take(bucket, cost=0).levels[0].remaining) == (True, 0)


def test_a_limit_that_has_risen_flows_in_faster(take):
    before, after = (Bucket("rate:changing", "tenant", per_minute) for per_minute in (1, 2))
    assert [take(before).is_allowed for _ in range(2)] == [True, False]
    assert [take(after, at=at).is_allowed for at in (MINUTE // 2 - 1, MINUTE // 2)] == [False, True]


def test_a_bucket_that_is_full_again_is_gone(take, valkey):
    bucket = of(60)
    taken = buckets.store().take([bucket])
    assert 0 < valkey.pttl(bucket.name) <= taken.levels[0].missing / 1000 + 2


def test_the_time_is_the_stores(valkey):
    bucket = of(60)
    seconds, microseconds = valkey.time()
    buckets.store().take([bucket])
    full_at = int(valkey.get(bucket.name))
    assert 0 <= full_at - bucket.interval - (seconds * SECOND + microseconds) < SECOND


def test_many_at_once_get_what_there_is(valkey):
    bucket, ready, gave = of(50), threading.Barrier(20), []

    def ask():
        ready.wait()
        gave.extend(buckets.store().take([bucket], at=START).is_allowed for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(gave), sum(gave)) == (200, 50)


def test_it_is_one_question_to_the_store(valkey):
    large, small = of(10), of(10, "key")
    buckets.store().take([large, small])  # teaches the store the script, if need be
    before = valkey.info("stats")["total_commands_processed"], valkey.info("commandstats")["cmdstat_evalsha"]["calls"]
    buckets.store().take([large, small])
    calls = valkey.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert (calls - before[1], valkey.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]) == (1, 0)


def test_without_a_store_nothing_is_said():
    assert Buckets(f"redis://127.0.0.1:{free_port()}/0").take([of(1)]) is None
