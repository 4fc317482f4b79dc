"""Whatever happens at whichever step of a job's way: it ends once, is paid once and told of, and leaves nothing behind.

Each cell is a process that is killed, fails or stands still at one point, and others that carry on meanwhile.
"""

import pytest

from generation.models import GenerationJob
from wire.failpoints import Point

pytestmark = pytest.mark.processes

HOWS = ["kill", "raise", "hang:0.3"]
# Which process comes there, doing what.
ACTS = {
    "upload": "upload",
    "accept": "ask",
    "claim": "work",
    "run": "work",
    "store": "work",
    "settle": "work",
    "sweep": "sweep",
    "deliver": "deliver",
    "tidy": "delete",
}
CELLS = [(ACTS[point.partition(".")[0]], point) for point in Point]
CELLS += [("cancel", Point.SETTLE_BEGUN), ("cancel", Point.SETTLE_CHARGED)]
# Where a bug fails the job, which costs its owner nothing. Once it is committed, its end stands.
FAILS = {point for point in Point if point.startswith(("run.", "store.", "settle."))} - {Point.SETTLE_COMMITTED}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("act", "point"), CELLS)
def test_whatever_breaks_the_job_ends_once_and_nothing_is_left_behind(house, act, point, how):
    house.set_the_scene(act)
    house.break_down(act, f"{point}={how}")
    house.carry_on(act)
    house.grow_old()
    assert house.violations() == []
    assert told_of(house) == ends()
    assert [end for _, end in ends()] == expected(act, point, how)


def ends():
    """Return which jobs there are, and how each ended."""
    return [(job.pk, job.status) for job in GenerationJob.objects.all()]


def told_of(house):
    """Return of which jobs' ends alice's program has heard: each in one message, however often it came."""
    heard = [(job, *message) for job, told in house.inbox.heard.items() for message in told]
    assert len({name for _, name, _ in heard}) == len(heard)
    return sorted((job, status) for job, _, status in heard)


def expected(act, point, how):
    """Return how the jobs end: a bug in one's way fails it, and everything else only takes longer."""
    if act == "upload":
        return []
    if act == "cancel":
        return ["cancelled"]
    return ["failed" if how == "raise" and act == "work" and point in FAILS else "succeeded"]
