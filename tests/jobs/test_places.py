"""When a job ends, all behind it move up, and when one overtakes, they fall back. Of a crowd that waits, few hear so in
one look, and all in turn."""

import pytest

from generation.models import GenerationJob
from jobs.guests import Snapshot, Waiter
from jobs.watch import PLACES_A_LOOK, Seen
from tenants.standing import Standing

CROWD = 3 * PLACES_A_LOOK
WAITS = Snapshot("queued", 0, 0, 30, position=9)


@pytest.fixture
def crowd():
    waiters = [Waiter(Standing("ten"), job=GenerationJob(pk=f"gen_{number}")) for number in range(CROWD)]
    look(waiters, WAITS)
    return waiters


def look(waiters, stands):
    """Tell them of one look, and return who heard something."""
    for waiter in waiters:
        while not waiter.news.empty():
            waiter.news.get_nowait()
    seen = Seen({waiter.job.pk: stands for waiter in waiters}, {}, {})
    for waiter in set(waiters) - seen.later(waiters):
        seen.tell(waiter)
    return {waiter for waiter in waiters if not waiter.news.empty()}


def test_few_hear_in_one_look_that_they_moved_up(crowd):
    assert len(look(crowd, WAITS._replace(position=8))) == PLACES_A_LOOK


def test_all_hear_it_in_turn(crowd):
    looks = [look(crowd, WAITS._replace(position=8)) for _ in range(3)]
    assert set.union(*looks) == set(crowd)
    assert look(crowd, WAITS._replace(position=8)) == set()


def test_all_hear_in_turn_that_they_were_overtaken(crowd):
    looks = [look(crowd, WAITS._replace(position=10)) for _ in range(3)]
    assert [len(heard) for heard in looks] == [PLACES_A_LOOK] * 3
    assert set.union(*looks) == set(crowd)


def test_who_heard_least_lately_hears_next(crowd):
    early = look(crowd, WAITS._replace(position=8))
    later = look(crowd, WAITS._replace(position=7))
    assert not early & later


def test_a_crowd_keeps_nobody_elses_waiter_from_hearing(crowd):
    alone = Waiter(Standing("other"), job=GenerationJob(pk="gen_alone", tenant_id="other"))
    look([alone], WAITS)  # which was told after the whole crowd
    assert alone in look([*crowd, alone], WAITS._replace(position=8))


def test_all_hear_at_once_that_their_job_has_begun(crowd):
    assert look(crowd, WAITS._replace(status="running", attempt=1, position=None)) == set(crowd)


def test_whoever_tells_no_place_keeps_nobody_waiting(crowd):
    silent = [Waiter(Standing("ten"), job=GenerationJob(pk=f"gen_s{number}"), wants_place=False) for number in range(9)]
    look(silent, WAITS)
    heard = look([*silent, *crowd], WAITS._replace(position=8))
    assert len(heard) == PLACES_A_LOOK
    assert not heard & set(silent)
