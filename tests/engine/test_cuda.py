"""On a GPU, in half precision, the pictures are still those of diffusers' own pipeline."""

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline

from generation.engine.engine import Engine, Options
from tests.engine.conftest import generate, levels, stock_output

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def gpu_engine(tiny):
    return Engine(str(tiny), Options(device="cuda"))


@pytest.mark.parametrize("scheduler", ["EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "DDIMScheduler"])
def test_cuda_draws_what_stock_draws_in_half_precision(gpu_engine, tiny, ask, scheduler):
    spec = ask(scheduler=scheduler)
    stock = StableDiffusionXLPipeline.from_pretrained(tiny, dtype=torch.float16, add_watermarker=False).to("cuda")
    picture = generate(gpu_engine, spec)[0]
    assert np.abs(levels(picture.image) - levels(stock_output(stock, spec, "pil"))).max() <= 4


def test_cuda_draws_what_the_processor_draws(gpu_engine, draw, ask):
    picture = generate(gpu_engine, ask())[0]
    assert np.abs(levels(picture.image) - draw(ask())[0]).max() <= 4
