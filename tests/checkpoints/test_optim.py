"""Do the weights move as they should, and go on after a restart as if nothing had happened?"""

import torch
from torch import nn

from checkpoints.recipe.optim import Optimiser, orthogonalised


def test_an_update_has_all_its_singular_values_near_one():
    matrices = torch.randn(2, 16, 40, generator=torch.Generator().manual_seed(0))

    values = torch.linalg.svdvals(orthogonalised(matrices))

    assert values.min() > 0.5
    assert values.max() < 1.3


def test_a_tall_matrix_keeps_its_shape():
    assert orthogonalised(torch.randn(1, 40, 16)).shape == (1, 40, 16)


def test_training_brings_the_loss_down():
    model, optimiser = linear()

    losses = [train_step(model, optimiser) for _ in range(60)]

    assert losses[-1] < 0.1 * losses[0]


def test_a_restored_optimiser_takes_the_very_next_step():
    model, optimiser = linear()
    train_step(model, optimiser)
    later_model, later = linear()
    later.restore(optimiser.state())

    train_step(model, optimiser)
    train_step(later_model, later)

    assert torch.equal(model.weight, later_model.weight)


def test_a_module_in_bfloat16_learns_through_float32_masters():
    model = nn.Linear(8, 8)
    optimiser = Optimiser({"model": model}, edges=(), ema=0.9)
    model.to(torch.bfloat16)

    model(torch.ones(2, 8, dtype=torch.bfloat16)).square().mean().backward()
    optimiser.step(1e-3)

    assert optimiser.master["model.weight"].dtype == torch.float32
    assert torch.equal(model.weight, optimiser.master["model.weight"].bfloat16())


def linear() -> tuple[nn.Linear, Optimiser]:
    torch.manual_seed(0)
    model = nn.Linear(8, 8)
    return model, Optimiser({"model": model}, edges=(), ema=0.9)


def train_step(model: nn.Linear, optimiser: Optimiser) -> float:
    inputs = torch.eye(8)
    loss = (model(inputs) - inputs.flip(0)).square().mean()
    loss.backward()
    optimiser.step(0.05)
    return loss.item()
