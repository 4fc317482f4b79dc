"""Unfinished pictures are shown on the way, as near to the finished one as can be known by then."""

import numpy as np
import pytest
import torch

from generation.engine.generation import Generation
from tests.engine.conftest import generate, levels

SCHEDULERS = ("EulerDiscreteScheduler", "DDIMScheduler", "DPMSolverMultistepScheduler")


def looks(engine, spec):
    """Draw the spec, and return its previews as (index, number, levels)."""
    shown = []

    def keep(index, number, image):
        shown.append((index, number, levels(image)))

    generation = Generation(spec, lambda picture: None, due=0.0, on_preview=keep)
    engine.batches.admit(generation)
    while not engine.batches.is_idle:
        engine.batches.turn()
    generation.finished.result(timeout=0)
    return shown


def test_each_picture_shows_as_many_as_were_asked_for(engine, ask):
    shown = looks(engine, ask(previews=3, n=2, steps=8))
    assert sorted((index, number) for index, number, _ in shown) == [(i, k) for i in range(2) for k in range(3)]


@pytest.mark.parametrize(("steps", "count"), [(1, 0), (2, 1), (3, 2), (4, 3)])
def test_few_steps_show_fewer_and_count_from_zero(engine, ask, steps, count):
    shown = looks(engine, ask(previews=3, steps=steps))
    assert [number for _, number, _ in shown] == list(range(count))


def test_nobody_who_did_not_ask_is_shown_any(engine, ask):
    assert looks(engine, ask()) == []


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_each_look_is_nearer_to_the_finished_picture(engine, ask, scheduler):
    spec = ask(previews=3, steps=12, scheduler=scheduler)
    finished = levels(generate(engine, spec)[0].image)
    distances = [np.abs(look - finished).mean() for _, _, look in looks(engine, spec)]
    assert distances == sorted(distances, reverse=True)


def test_previews_change_nothing_about_the_picture(engine, ask, draw):
    assert np.array_equal(draw(ask(previews=3))[0], draw(ask())[0])


def test_a_large_picture_is_shown_small(engine, ask):
    (_, _, look), *_ = looks(engine, ask(previews=1, width=512, height=256, steps=2))
    assert look.shape == (128, 256, 3)


def test_no_memory_for_a_look_costs_no_picture(engine, vae, ask):
    def refuse_small(module, given):
        if given[0].shape[-1] <= 32:
            raise torch.OutOfMemoryError

    with vae.decoder.register_forward_pre_hook(refuse_small):
        assert looks(engine, ask(previews=1, width=512, height=64, steps=2)) == []
