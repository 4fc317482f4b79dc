"""The engine in its own thread: whoever submits waits for pictures or an error, and never for somebody else's."""

import time

import numpy as np
import pytest

from generation.engine.engine import Engine
from generation.engine.errors import CheckpointError, DeviceLost, LoraError
from generation.engine.options import Options
from generation.engine.weight_set import WeightSet
from tests.engine.conftest import levels

SECONDS = 60


@pytest.fixture
def running(tiny):
    """An engine that draws in a thread of its own."""
    engine = Engine(str(tiny), Options(device="cpu", step_seconds=60))
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def submit(running):
    """Submit a spec; returns the generation and the list its pictures will come into."""

    def start(spec):
        pictures = []
        return running.submit(spec, pictures.append), pictures

    return start


def test_a_submitted_spec_becomes_its_pictures(submit, ask, draw):
    generation, pictures = submit(ask(n=2))
    generation.finished.result(SECONDS)
    assert (len(pictures), generation.progress.step) == (2, 4)
    for picture, expected in zip(sorted(pictures, key=lambda each: each.index), draw(ask(n=2)), strict=True):
        assert np.abs(levels(picture.image) - expected).max() <= 1


def test_many_at_once_all_come_out_as_if_alone(submit, ask, draw):
    specs = [ask(seed=seed, steps=2 + seed % 3, width=64 + 8 * (seed % 2)) for seed in range(6)]
    submitted = [submit(spec) for spec in specs]
    for spec, (generation, pictures) in zip(specs, submitted, strict=True):
        generation.finished.result(SECONDS)
        assert np.abs(levels(pictures[0].image) - draw(spec)[0]).max() <= 1


def test_a_cancelled_generation_gives_no_picture(submit, ask):
    unwanted, pictures = submit(ask(steps=100))
    unwanted.cancel()
    kept, _ = submit(ask())
    kept.finished.result(SECONDS)
    assert (unwanted.finished.cancelled(), pictures) == (True, [])


def test_a_missing_checkpoint_fails_only_who_asked_for_it(submit, ask):
    broken, _ = submit(ask(checkpoint="nowhere"))
    kept, pictures = submit(ask())
    with pytest.raises(CheckpointError, match="nowhere"):
        broken.finished.result(SECONDS)
    kept.finished.result(SECONDS)
    assert pictures


def test_a_lora_for_another_checkpoint_fails_only_who_asked_for_it(submit, ask, lora):
    broken, _ = submit(ask(loras=(lora(1, width=48),)))
    kept, pictures = submit(ask())
    with pytest.raises(LoraError) as refused:
        broken.finished.result(SECONDS)
    kept.finished.result(SECONDS)
    assert (refused.value.code, len(pictures)) == ("lora_base_mismatch", 1)


def test_a_lost_device_ends_everything_and_refuses_more(running, submit, ask):
    def lose(module, given):
        raise RuntimeError("CUDA error: an illegal memory access")

    running.weights.switch_to(WeightSet(ask().checkpoint, ())).unet.register_forward_pre_hook(lose)
    both = [submit(ask())[0], submit(ask(width=96))[0]]
    for generation in [*both, submit(ask())[0]]:
        with pytest.raises(DeviceLost):
            generation.finished.result(SECONDS)
    with pytest.raises(DeviceLost):
        submit(ask())[0].finished.result(SECONDS)


def test_the_pulse_beats_while_it_draws_and_rests_when_it_does_not(running, submit, ask):
    before = running.pulse
    submit(ask())[0].finished.result(SECONDS)
    drawn = running.pulse
    time.sleep(0.2)
    assert before < drawn
    assert running.pulse - drawn <= 1  # the turn that handed the last picture over ends after it
