"""Every scheduler on offer works at every step count on offer, with all the settings that it is said to take."""

import inspect

import diffusers
import pytest
import torch

from generation.engine.schedulers import fresh_scheduler
from generation.engine.spec import SCHEDULERS, STEPS
from loras.weights.schedulers import KINDS, SIGMAS, SettingsUnfit
from tests.engine.conftest import latents_of

SETTINGS = [(name, sigmas) for name, kind in KINDS.items() for sigmas in kind.sigmas]
UNSPACED = ("LCMScheduler", "TCDScheduler")  # their classes take a spacing and do not look at it


@pytest.mark.parametrize(("scheduler", "sigmas"), SETTINGS)
@pytest.mark.parametrize("steps", [STEPS[0], 2, 5])
def test_few_steps_give_finite_latents(engine, ask, scheduler, sigmas, steps):
    assert torch.isfinite(latents_of(engine, ask(scheduler=scheduler, sigmas=sigmas, steps=steps))).all()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_most_steps_there_may_be_can_be_set(scheduler):
    most = KINDS[scheduler].most_steps
    assert len(fresh_scheduler(scheduler, {}, most).timesteps) >= most


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_bare_configuration_does_not_clip_the_latents(engine, ask, scheduler):
    assert latents_of(engine, ask(scheduler=scheduler)).abs().max() > 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_what_the_table_says_is_what_diffusers_class_takes(scheduler):
    kind = KINDS[scheduler]
    known = inspect.signature(getattr(diffusers, kind.class_name).__init__).parameters
    assert kind.sigmas[1:] == tuple(name for name in SIGMAS[1:] if f"use_{name}_sigmas" in known)
    assert ("trailing" in kind.spacings) == ("timestep_spacing" in known and scheduler not in UNSPACED)


@pytest.mark.parametrize("scheduler", UNSPACED)
def test_distilled_weights_schedulers_do_not_look_at_the_spacing(scheduler):
    plain, trailing = (getattr(diffusers, scheduler)(timestep_spacing=spacing) for spacing in ("leading", "trailing"))
    plain.set_timesteps(4)
    trailing.set_timesteps(4)
    assert torch.equal(plain.timesteps, trailing.timesteps)


@pytest.mark.parametrize(
    ("scheduler", "settings", "sentence"),
    [
        ("DDIMScheduler", {"sigmas": "karras"}, "sigmas of DDIMScheduler must be one of: default."),
        ("LCMScheduler", {"spacing": "trailing"}, "timestep_spacing of LCMScheduler must be one of: default."),
        ("LCMScheduler", {"steps": 51}, "steps must be at most 50 with LCMScheduler."),
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(scheduler, settings, sentence):
    with pytest.raises(SettingsUnfit) as refusal:
        fresh_scheduler(scheduler, {}, **{"steps": 4, **settings})
    assert str(refusal.value) == sentence


def test_a_checkpoints_own_sigmas_give_way_to_the_chosen_ones():
    own = {"use_karras_sigmas": True}
    chosen = fresh_scheduler("EulerDiscreteScheduler", own, 4, sigmas="exponential")
    assert torch.equal(chosen.sigmas, fresh_scheduler("EulerDiscreteScheduler", {}, 4, sigmas="exponential").sigmas)
