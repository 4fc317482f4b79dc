"""LoRAs in the running batches: each picture wears its own, the base stays the base, and 0 is nothing at all."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from loras.weights.wanted import CheckpointOf
from tests.engine.conftest import begin, generate, levels


@pytest.fixture
def weights(engine, tiny):
    """Every weight of the base, by name, after whatever was on has been taken off."""

    def copied():
        engine.weights.release()
        with engine.residency.hold(CheckpointOf(str(tiny))) as (base,):
            return {name: weight.detach().clone() for name, weight in base.weights.weights.items()}

    return copied


def finish(engine):
    while not engine.batches.is_idle:
        engine.batches.turn()


def test_pictures_with_unlike_loras_come_out_as_if_alone(engine, ask, draw, lora):
    one, other = lora(1), lora(2)
    worn = [(), (one,), (replace(one, weight=-0.5), other), (other,), ()]
    specs = [ask(seed=seed, loras=loras) for seed, loras in enumerate(worn)]
    begun = [begin(engine, spec) for spec in specs]
    finish(engine)
    for spec, (_, pictures) in zip(specs, begun, strict=True):
        assert np.abs(levels(pictures[0].image) - draw(spec)[0]).max() <= 1
    assert np.abs(draw(specs[1])[0] - draw(replace(specs[1], loras=()))[0]).max() > 10


def test_weight_0_equals_absent_bit_for_bit(engine, ask, lora):
    plain, zero = generate(engine, ask())[0], generate(engine, ask(loras=(lora(1, weight=0.0),)))[0]
    assert np.array_equal(levels(plain.image), levels(zero.image))


def test_after_any_loras_the_base_is_bit_identical(engine, ask, lora, weights):
    before = weights()
    for seed in range(5):
        generate(engine, ask(steps=1, loras=(lora(seed), lora(seed + 1, weight=1.5))))
    assert all(torch.equal(weight, before[name]) for name, weight in weights().items())


def test_who_wears_the_same_shares_a_batch(engine, ask, lora):
    one = lora(1)
    first, second = begin(engine, ask(loras=(one,)))[0], begin(engine, ask(seed=9, loras=(one,)))[0]
    engine.batches.turn()
    assert (first.progress.step, second.progress.step) == (1, 1)
    finish(engine)


def test_the_order_of_loras_does_not_part_a_batch(engine, ask, lora):
    one, other = lora(1), lora(2)
    first = begin(engine, ask(loras=(one, other)))[0]
    second = begin(engine, ask(seed=9, loras=(other, one)))[0]
    engine.batches.turn()
    assert (first.progress.step, second.progress.step) == (1, 1)
    finish(engine)


def test_weights_are_switched_for_a_generation_and_not_for_a_step(engine, ask, lora):
    before = engine.weights.lora_switches
    begin(engine, ask(steps=4, loras=(lora(1),)), due=1)
    begin(engine, ask(steps=4), due=2)
    finish(engine)
    assert engine.weights.lora_switches - before == 1
