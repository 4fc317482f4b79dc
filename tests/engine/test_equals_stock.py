"""The step loop is our own; what it draws is what diffusers' StableDiffusionXLPipeline draws."""

import numpy as np
import pytest
import torch

from generation.engine.spec import SCHEDULERS
from loras.weights.schedulers import KINDS
from tests.engine.conftest import latents_of, levels, stock_output

SIGMAS = [(name, sigmas) for name, kind in KINDS.items() for sigmas in kind.sigmas[1:]]
SPACED = [name for name, kind in KINDS.items() if "trailing" in kind.spacings]
LATENT_TOLERANCE = 1e-5  # of the largest latent: float32 sums in another memory layout


def assert_same_latents(engine, stock, spec):
    latents, expected = latents_of(engine, spec), stock_output(stock, spec, "latent")
    assert torch.allclose(latents, expected, rtol=0, atol=LATENT_TOLERANCE * expected.abs().max())


def assert_same(engine, stock, draw, spec):
    assert_same_latents(engine, stock, spec)
    assert np.abs(draw(spec)[0] - levels(stock_output(stock, spec, "pil"))).max() <= 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_draws_what_stock_draws(engine, stock, draw, ask, scheduler):
    assert_same(engine, stock, draw, ask(scheduler=scheduler))


@pytest.mark.parametrize(("scheduler", "sigmas"), SIGMAS)
def test_every_spacing_of_noise_levels_is_stocks(engine, stock, ask, scheduler, sigmas):
    assert_same_latents(engine, stock, ask(scheduler=scheduler, sigmas=sigmas))


@pytest.mark.parametrize("scheduler", SPACED)
def test_trailing_timesteps_are_stocks(engine, stock, ask, scheduler):
    assert_same_latents(engine, stock, ask(scheduler=scheduler, timestep_spacing="trailing"))


def test_with_a_negative_prompt(engine, stock, draw, ask):
    assert_same(engine, stock, draw, ask(negative_prompt="blurry, grey"))


def test_without_guidance(engine, stock, draw, ask):
    assert_same(engine, stock, draw, ask(guidance_scale=1.0, negative_prompt="not looked at"))


def test_an_empty_prompt(engine, stock, draw, ask):
    assert_same(engine, stock, draw, ask(prompt=""))


def test_a_prompt_of_exactly_one_chunk(engine, stock, draw, ask):
    assert_same(engine, stock, draw, ask(prompt="x" * 75))


def test_a_size_that_is_no_multiple_of_the_unets_depth(engine, stock, draw, ask):
    assert_same(engine, stock, draw, ask(width=104, height=72))
