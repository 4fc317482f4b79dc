"""How does a stage on top of the frozen mini run? Steps until its minutes are used up, saved as it goes."""

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from checkpoints.recipe import state
from checkpoints.recipe.optim import Optimiser

log = logging.getLogger(__name__)
SAVE_EVERY = 120  # seconds
HOLD = 0.4  # share of the time at the full learning rate


def resume(path: Path, optimiser: Optimiser, generator: torch.Generator) -> float:
    """Go on from a saved state, if there is one; return the seconds already spent."""
    saved = state.load(path)
    if saved is None:
        return 0.0
    optimiser.restore(saved["optimiser"])
    generator.set_state(saved["rng"])
    return saved["spent"]


def learn(
    path: Path, optimiser: Optimiser, generator: torch.Generator, loss_of: Callable[[], Tensor], *,
    clock: state.Clock, rate: float,
) -> None:  # fmt: skip
    """Take steps down `loss_of`, each call of which is a new batch, until the clock has run out."""
    last_save, smooth = clock.spent, None
    while clock.progress < 1 or not optimiser.steps:  # however long the preparations took
        loss = loss_of()
        loss.backward()
        speed = state.learning_rate(rate, clock.progress, optimiser.steps, warmup=50, hold=HOLD)
        norm = optimiser.step(speed)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()  # waits for the device
        if optimiser.steps % 25 == 0:
            figures = (optimiser.steps, clock.spent, smooth, norm, speed)
            log.info("step %d  %.0f s  loss %.4f  norm %.2f  lr %.1e", *figures)
        if clock.spent - last_save > SAVE_EVERY or clock.progress >= 1:
            last_save = clock.spent
            saving = {"optimiser": optimiser.state(), "rng": generator.get_state(), "spent": clock.spent}
            state.save(path, saving)
