"""The running batch draws unlike pictures together; who joins, overtakes, leaves or fails, the others do not notice."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from generation.engine.engine import Engine, Options
from generation.engine.errors import InvalidOutput
from tests.engine.conftest import begin, latents_of, levels

TOLERANCE = 1e-5  # of the largest latent: float32 sums in another batch size


def finish(engine):
    while not engine.batches.is_idle:
        engine.batches.turn()


def turn(engine, times):
    for _ in range(times):
        engine.batches.turn()


def steps_of(*generations):
    return [generation.progress.step for generation in generations]


@pytest.fixture
def one_at_a_time(tiny):
    """An engine that denoises one 64x64 picture at a time."""
    return Engine(str(tiny), Options(device="cpu", most_pixels=64 * 64))


@pytest.fixture
def assert_as_if_alone(engine):
    """Compare with the same spec drawn alone, by an engine that batches nothing."""

    def compare(generation):
        alone = latents_of(engine, generation.spec)
        ours = generation.kept[0].latents
        assert torch.allclose(ours, alone, rtol=0, atol=TOLERANCE * alone.abs().max())

    return compare


def test_members_share_neither_scheduler_nor_steps_nor_guidance(engine, ask, assert_as_if_alone):
    specs = [
        ask(steps=6),
        ask(scheduler="DPMSolverMultistepScheduler", steps=3, guidance_scale=2.0, negative_prompt="grey"),
        ask(scheduler="EulerAncestralDiscreteScheduler", seed=3),
        ask(scheduler="DDIMScheduler", guidance_scale=1.0, prompt="a boat"),
    ]
    generations = [begin(engine, spec)[0] for spec in specs]
    turn(engine, 1)
    assert steps_of(*generations) == [1, 1, 1, 1]
    finish(engine)
    for generation in generations:
        assert_as_if_alone(generation)


def test_a_member_may_join_and_leave_between_two_steps(engine, ask, assert_as_if_alone):
    early, _ = begin(engine, ask(steps=4))
    turn(engine, 2)
    late, _ = begin(engine, ask(steps=3, seed=8))
    turn(engine, 2)
    assert (steps_of(early, late), early.finished.done()) == ([4, 2], True)
    finish(engine)
    assert_as_if_alone(early)
    assert_as_if_alone(late)


def test_who_is_due_first_overtakes_and_the_other_goes_on_unharmed(one_at_a_time, ask, assert_as_if_alone):
    long, _ = begin(one_at_a_time, ask(steps=6), due=60)
    turn(one_at_a_time, 2)
    urgent, _ = begin(one_at_a_time, ask(steps=3, seed=8), due=1)
    turn(one_at_a_time, 3)
    assert (steps_of(long, urgent), urgent.finished.done()) == ([2, 3], True)
    finish(one_at_a_time)
    assert_as_if_alone(long)
    assert_as_if_alone(urgent)


def test_another_size_is_overtaken_too(engine, ask, assert_as_if_alone):
    long, _ = begin(engine, ask(steps=5, width=96), due=60)
    turn(engine, 2)
    urgent, _ = begin(engine, ask(steps=2), due=1)
    turn(engine, 2)
    assert steps_of(long, urgent) == [2, 2]
    finish(engine)
    assert_as_if_alone(long)


def test_a_cancelled_generation_is_gone_at_the_next_step(engine, ask, assert_as_if_alone):
    kept, _ = begin(engine, ask())
    unwanted, pictures = begin(engine, ask(n=2, seed=9))
    turn(engine, 1)
    unwanted.cancel()
    turn(engine, 1)
    assert (steps_of(kept, unwanted), pictures) == ([2, 1], [])
    finish(engine)
    assert_as_if_alone(kept)


def test_a_member_whose_numbers_are_not_finite_fails_alone(engine, ask, assert_as_if_alone):
    kept, _ = begin(engine, ask())
    broken, _ = begin(engine, ask(seed=9))
    turn(engine, 1)
    broken.members[0].latents = torch.full_like(broken.members[0].latents, torch.nan)
    finish(engine)
    with pytest.raises(InvalidOutput):
        broken.finished.result()
    assert_as_if_alone(kept)


def test_a_member_whose_scheduler_breaks_fails_alone(engine, ask, assert_as_if_alone):
    kept, _ = begin(engine, ask())
    broken, _ = begin(engine, ask(seed=9))
    turn(engine, 1)
    del broken.members[0].scheduler.sigmas
    finish(engine)
    with pytest.raises(AttributeError):
        broken.finished.result()
    assert_as_if_alone(kept)


def test_an_error_of_one_that_all_share_in_a_call_is_told_to_that_one(engine, unet, ask, assert_as_if_alone):
    def refuse(module, given, named):
        if (named["encoder_hidden_states"][:, 0, 0] == 99).any():
            raise ValueError("cannot read this")

    kept, _ = begin(engine, ask())
    broken, _ = begin(engine, ask(seed=9))
    turn(engine, 1)
    opening = broken.members[0].opening
    poisoned = replace(opening.positive, context=torch.full_like(opening.positive.context, 99))
    broken.members[0].opening = replace(opening, positive=poisoned)
    with unet.register_forward_pre_hook(refuse, with_kwargs=True):
        finish(engine)
    with pytest.raises(ValueError, match="cannot read"):
        broken.finished.result()
    assert_as_if_alone(kept)


def test_a_paused_batch_outlives_its_checkpoints_stay_in_memory(engine, ask, assert_as_if_alone):
    paused, _ = begin(engine, ask(steps=4), due=60)
    turn(engine, 2)
    engine.weights.release()
    engine.residency.release_idle()  # on a processor that is the end of it; it will be read anew
    assert not engine.residency.inventory()
    finish(engine)
    assert_as_if_alone(paused)


def test_pictures_come_as_they_are_done(engine, ask):
    short, first = begin(engine, ask(steps=2))
    long, second = begin(engine, ask(steps=4))
    turn(engine, 2)
    assert (len(first), len(second), short.finished.done(), long.finished.done()) == (1, 0, True, False)
    finish(engine)
    assert np.abs(levels(second[0].image) - levels(first[0].image)).max() > 0
