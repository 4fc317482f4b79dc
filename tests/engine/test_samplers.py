"""AUTOMATIC1111's names for samplers and schedule types mean our schedulers and sigmas, and the other way round."""

import pytest

from generation.engine.samplers import SAMPLERS, schedule_type, scheduler_of
from generation.engine.spec import SCHEDULERS
from loras.weights.schedulers import KINDS, refuse_unfit

SETTINGS = [(name, sigmas) for name, kind in KINDS.items() for sigmas in kind.sigmas]


def test_every_scheduler_on_offer_has_a_sampler_name_of_its_own():
    assert set(SAMPLERS) == set(SCHEDULERS)
    assert len({sampler.name for sampler in SAMPLERS.values()}) == len(SCHEDULERS)


@pytest.mark.parametrize(("scheduler", "sigmas"), SETTINGS)
def test_what_is_written_is_read_as_what_it_was(scheduler, sigmas):
    assert scheduler_of(SAMPLERS[scheduler].name, schedule_type(scheduler, sigmas)) == (scheduler, sigmas)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_what_automatic_means_is_something_the_scheduler_takes(scheduler):
    refuse_unfit(scheduler, sigmas=SAMPLERS[scheduler].automatic)


@pytest.mark.parametrize(
    ("said", "scheduler", "sigmas"),
    [
        (("DPM++ 2M", "Karras"), "DPMSolverMultistepScheduler", "karras"),
        (("DPM++ 2M Karras",), "DPMSolverMultistepScheduler", "karras"),
        (("DPM++ 2M Karras", "Exponential"), "DPMSolverMultistepScheduler", "karras"),
        (("DPM++ 2M",), "DPMSolverMultistepScheduler", "karras"),
        (("DPM++ 2M", "Uniform"), "DPMSolverMultistepScheduler", "default"),
        (("DPM++ 2M SDE", "Automatic"), "DPMSolverMultistepScheduler-SDE", "exponential"),
        (("DPM++ SDE Karras",), "DPMSolverSinglestepScheduler-SDE", "karras"),
        (("euler A",), "EulerAncestralDiscreteScheduler", "default"),
        (("Euler", "beta"), "EulerDiscreteScheduler", "beta"),
        (("LCM",), "LCMScheduler", "default"),
        (("HeunDiscreteScheduler", "karras"), "HeunDiscreteScheduler", "karras"),
    ],
)
def test_names_of_today_and_of_old_are_understood(said, scheduler, sigmas):
    assert scheduler_of(*said) == (scheduler, sigmas)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("DPM adaptive",), "There is no sampler 'DPM adaptive'. Known: Euler, Euler a, DPM"),
        (("Euler", "SGM Uniform"), "There is no schedule type 'SGM Uniform'. Known: Automatic, Uniform, Karras"),
    ],
)
def test_a_name_that_means_nothing_here_is_refused_with_those_that_do(said, sentence):
    with pytest.raises(LookupError, match=sentence):
        scheduler_of(*said)
