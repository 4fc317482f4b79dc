"""By when a generation is due: its lane's come one after another, and the clock is slower the more lanes there are."""

from concurrent.futures import Future

from generation.engine.batches import shared_out
from generation.engine.due import Dues, Stay, Urgency

A, B = Urgency("a"), Urgency("b")


class Picture:
    """A picture of a generation in this lane."""

    def __init__(self, lane):
        self.lane, self.generation = lane, self


def test_a_short_one_of_another_lane_goes_before_all_that_a_lane_waits_for():
    dues = Dues()
    large = [dues.of(A, 30, Future()) for _ in range(3)]
    dues.worked(10)
    assert large == [60, 120, 180]
    assert dues.of(B, 1, Future()) < large[0]


def test_lanes_in_turn_are_due_when_they_are_done():
    dues = Dues()
    for number in range(10):
        dues.of(Urgency(str(number)), 6, Future())
    dues.worked(60)
    assert dues.now == 12  # as all of them were due


def test_a_newcomer_meets_nobody_who_is_overdue():
    dues, lanes = Dues(), [Urgency(str(number)) for number in range(8)]
    large = [dues.of(lane, 30, Future()) for lane in lanes]
    dues.worked(100)
    assert dues.of(Urgency("new"), 1, Future()) < min(large)


def test_what_has_ended_holds_its_lane_up_no_more():
    dues, cancelled = Dues(), Future()
    dues.of(A, 100, cancelled)
    cancelled.cancel()
    assert dues.of(A, 1, Future()) == 2


def test_interactive_overtakes_its_own_lane():
    dues = Dues()
    standard = [dues.of(A, 5, Future()) for _ in range(3)]
    assert dues.of(Urgency("a", patience=1.0), 5, Future()) < standard[0]


def test_who_stands_alone_is_due_as_if_nobody_else_were_there():
    dues = Dues()
    assert [dues.of(Urgency(), 5, Future()) for _ in range(2)] == [10, 10]


def test_a_checkpoint_stays_for_a_while_although_another_is_due():
    now = [0.0]
    stay = Stay(10, lambda: now[0])
    picks = []
    for now[0] in (0, 4, 8, 12):
        picks.append(stay.next({"here": 5 + now[0], "far": 3.0 if now[0] else 9.0}, lambda source: source == "here"))
    assert picks == ["here", "here", "here", "far"]


def test_a_checkpoint_that_is_near_is_taken_at_once():
    stay = Stay(10, lambda: 0.0)
    assert stay.next({"one": 1.0}, lambda source: True) == "one"
    assert stay.next({"one": 3.0, "other": 2.0}, lambda source: True) == "other"


def test_no_lane_makes_a_step_longer_for_the_others():
    members = [Picture("a") for _ in range(8)] + [Picture("b"), Picture("c")]
    assert [each.lane for each in shared_out(members, 6)] == ["a", "b", "c"]


def test_a_lane_alone_has_all_the_room():
    assert len(shared_out([Picture("a") for _ in range(8)], 6)) == 6
