"""A compiled UNet is compiled once for each size and number of rows; LoRAs come and go without compiling anything."""

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from generation.engine.engine import Engine
from generation.engine.options import Options
from tests.engine.conftest import begin, generate, levels


@pytest.fixture
def compiled(tiny):
    """An engine whose UNet goes through torch.compile; the backend runs the graphs as they are."""
    torch._dynamo.reset()
    counters.clear()
    yield Engine(str(tiny), Options(device="cpu", step_seconds=60, compile="eager"))
    torch._dynamo.reset()


def graphs():
    return counters["stats"]["unique_graphs"]


def test_it_draws_what_the_plain_one_draws(compiled, ask, draw):
    assert np.abs(levels(generate(compiled, ask())[0].image) - draw(ask())[0]).max() <= 1


def test_no_lora_compiles_anything(compiled, ask, lora):
    generate(compiled, ask(steps=1))
    before = graphs()
    for seed in range(5):
        generate(compiled, ask(steps=1, loras=(lora(seed), lora(seed + 1, weight=-0.5))))
    assert (before > 0, graphs()) == (True, before)


def test_rows_are_padded_to_powers_of_two(compiled, ask):
    generate(compiled, ask(steps=1, n=4))
    before = graphs()
    for count in (3, 4):
        for seed in range(count):
            begin(compiled, ask(steps=1, seed=seed))
        while not compiled.batches.is_idle:
            compiled.batches.turn()
    assert graphs() == before
