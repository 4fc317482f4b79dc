"""What do all pictures of a generation share in a phase? Read once, when the first of them enters it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from diffusers import SchedulerMixin

from generation.engine.conditioning import Conditioning, condition
from generation.engine.controls import Follow, follows_of
from generation.engine.phases import Phase, window
from generation.engine.refiner_conditioning import condition_refiner
from generation.engine.schedulers import fresh_scheduler
from generation.engine.spec import Spec
from generation.engine.weight_set import On


@dataclass(frozen=True, eq=False)
class Opening:
    """The texts as read for one phase, a scheduler to copy, which of its timesteps to take, the pictures to follow."""

    phase: Phase
    positive: Conditioning
    negative: Conditioning | None
    scheduler: SchedulerMixin
    window: slice
    follows: tuple[Follow, ...]
    steps_ahead: int  # in later phases

    @property
    def levels(self) -> torch.Tensor:
        """Return the timesteps from its first to the denoising's last, be the later ones another model's."""
        return self.scheduler.timesteps[self.window.start :]


def open_phase(on: On, spec: Spec, phase: Phase, later: Sequence[Phase]) -> Opening:
    """Read what this phase needs; `later` are those that follow it."""
    asked = replace(spec, width=phase.width, height=phase.height, guidance_scale=phase.guidance_scale)
    config = on.refiner.scheduler_config if on.refiner else on.sdxl.scheduler_config
    positive, negative = condition_refiner(on.sdxl, on.refiner, asked) if on.refiner else condition(on.sdxl, asked)
    chosen = {"sigmas": spec.sigmas, "spacing": spec.timestep_spacing}
    scheduler = fresh_scheduler(spec.scheduler, config, spec.steps, **chosen)
    controls = spec.controls if phase.weights.controlnets else ()
    return Opening(
        phase=phase,
        positive=positive,
        negative=negative,
        scheduler=scheduler,
        window=window(scheduler, spec.steps, phase),
        follows=follows_of(controls, (phase.width, phase.height), positive.context),
        steps_ahead=sum(taken(window(scheduler, spec.steps, each)) for each in later),
    )


def taken(steps: slice) -> int:
    return max(0, (steps.stop or 0) - (steps.start or 0))
