"""How many are denoised at once follows from what steps took and from what did not fit."""

from generation.engine.pace import FIRST_ROOM, Pace

SMALL, LARGE = 64 * 64, 128 * 128


def after(pace, *, seconds, steps, pixels=SMALL):
    for _ in range(steps):
        members = pace.room(pixels)
        pace.took(pixels, members, 2 * members, seconds(members))
    return pace.room(pixels)


def test_the_batch_grows_until_a_step_takes_what_it_may():
    assert after(Pace(0.25), seconds=lambda members: 0.02 + 0.01 * members, steps=60) in range(16, 29)


def test_a_batch_that_takes_too_long_shrinks():
    assert after(Pace(0.25), seconds=lambda members: 0.1 * members, steps=20) in (2, 3)


def test_a_picture_slower_than_a_step_may_be_is_still_drawn():
    assert after(Pace(0.25), seconds=lambda members: 3.0, steps=20) == 1


def test_half_empty_batches_say_nothing_about_full_ones():
    pace = Pace(0.25)
    for _ in range(50):
        pace.took(SMALL, 1, 2, 0.01)
    assert pace.room(SMALL) == FIRST_ROOM


def test_what_did_not_fit_is_halved_and_tried_again_much_later():
    pace = Pace(60)
    assert pace.overflowed(SMALL, 4) == 2
    assert after(pace, seconds=lambda members: 0.01, steps=100) == 2
    assert after(pace, seconds=lambda members: 0.01, steps=500) > 2


def test_one_picture_that_does_not_fit_leaves_nothing_to_try():
    assert Pace(60).overflowed(SMALL, 1) == 0


def test_an_unknown_size_is_judged_by_the_nearest_known():
    pace = Pace(60)
    assert pace.row_seconds(LARGE) == 0
    pace.took(SMALL, 1, 2, 0.5)
    assert pace.row_seconds(LARGE) == 0.25 * 4


def test_no_step_holds_more_pixels_than_allowed():
    assert Pace(60, most_pixels=2 * SMALL).room(SMALL) == 2
