"""Every scheduler on offer works at every step count on offer."""

import pytest
import torch

from generation.engine.spec import SCHEDULERS, STEPS
from tests.engine.conftest import latents_of


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("steps", [STEPS[0], 2, 5])
def test_few_steps_give_finite_latents(engine, ask, scheduler, steps):
    assert torch.isfinite(latents_of(engine, ask(scheduler=scheduler, steps=steps))).all()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_bare_configuration_does_not_clip_the_latents(engine, ask, scheduler):
    assert latents_of(engine, ask(scheduler=scheduler)).abs().max() > 1
