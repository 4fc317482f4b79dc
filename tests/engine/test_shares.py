"""Each generation has its share of the device's time, and together they have all of it."""

import time

import pytest
import torch

from generation.engine.device import StepClock
from generation.engine.spec import Hires
from tests.engine.companions import picture
from tests.engine.conftest import begin

CLOSE = 0.1  # what lies between two measurements is some 3 % of what these tiny nets take


class Busy:
    """Turns an engine until it is idle, and knows how long that took."""

    def __init__(self, engine):
        self.engine, self.seconds = engine, 0.0

    def finish(self):
        begun = time.perf_counter()
        while not self.engine.batches.is_idle:
            self.engine.batches.turn()
        self.seconds += time.perf_counter() - begun


@pytest.fixture
def busy(engine):
    return Busy(engine)


def test_the_shares_of_those_who_were_drawn_together_are_all_that_it_took(engine, ask, lora, busy):
    specs = [
        ask(steps=12, n=3),
        ask(steps=6, seed=8, guidance_scale=1.0),
        ask(width=96, steps=8, hires=Hires(1.5, 0.5)),
        ask(steps=8, loras=(lora(1),), init_image=picture(1), strength=0.7),
    ]
    generations = [begin(engine, spec)[0] for spec in specs]
    busy.finish()
    assert sum(each._seconds for each in generations) == pytest.approx(busy.seconds, rel=CLOSE)


def test_one_alone_has_all_of_it(engine, ask, busy):
    alone, _ = begin(engine, ask(steps=16))
    busy.finish()
    assert alone._seconds == pytest.approx(busy.seconds, rel=CLOSE)


def test_a_guided_picture_has_twice_the_share_of_one_that_is_not(engine, ask):
    guided, _ = begin(engine, ask(steps=4))
    plain, _ = begin(engine, ask(steps=4, guidance_scale=1.0))
    engine.batches.turn()
    before = (guided._seconds, plain._seconds)
    engine.batches.turn()
    assert guided._seconds - before[0] == pytest.approx(2 * (plain._seconds - before[1]))


def test_two_alike_share_alike(engine, ask):
    first, second = (begin(engine, ask(steps=4, seed=seed))[0] for seed in (1, 2))
    engine.batches.turn()
    before = (first._seconds, second._seconds)
    engine.batches.turn()
    assert first._seconds - before[0] == pytest.approx(second._seconds - before[1])


def test_who_has_been_cancelled_has_what_it_took_until_then(engine, ask, busy):
    kept, _ = begin(engine, ask(steps=6))
    unwanted, _ = begin(engine, ask(steps=6, seed=9))
    engine.batches.turn()
    unwanted.cancel()
    took = unwanted.device_ms
    busy.finish()
    assert (unwanted.device_ms, kept.device_ms > took > 0) == (took, True)


def test_work_that_fails_is_nobodys():
    noted = []
    with pytest.raises(ZeroDivisionError), StepClock(torch.device("cpu")).measured(noted.append):
        raise ZeroDivisionError
    assert noted == []
