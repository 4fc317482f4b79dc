"""Through which phases does a picture go? One of its own size; a larger one; the refiner's at the end of the last."""

from dataclasses import dataclass, replace

from diffusers import SchedulerMixin

from generation.engine.spec import Spec
from generation.engine.weight_set import WeightSet
from loras.weights.wanted import Wanted


@dataclass(frozen=True)
class Phase:
    """A stretch of a picture's denoising with one set of weights at one size.

    `strength` is the share of the steps that is left to do when it begins, `start` and `end` are parts of the whole
    denoising, from 0 to 1, at which one model hands over to the next.
    """

    weights: WeightSet
    width: int
    height: int
    guidance_scale: float
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    takes_over: bool = False  # the latents as they are, noise and all


def phases_of(spec: Spec) -> tuple[Phase, ...]:
    """Return the phases in their order."""
    weights = WeightSet.of(spec)
    strength = spec.strength if spec.init_image else 1.0
    phases = [Phase(weights, spec.width, spec.height, spec.guidance_scale, strength)]
    if spec.hires:
        phases.append(Phase(weights, *spec.final_size, spec.guidance_scale, spec.hires.strength))
    if spec.refiner:
        last, refiner = phases.pop(), spec.refiner
        finish = replace(
            last,
            weights=weights.refined_by(refiner.source),
            guidance_scale=refiner.guidance_scale,
            start=refiner.start,
            takes_over=True,
        )
        phases += [replace(last, end=refiner.start), finish]
    return tuple(phases)


def wanted_of(spec: Spec) -> tuple[Wanted, ...]:
    """Return what must be resident for a spec, in any of its phases."""
    return tuple(dict.fromkeys(each for phase in phases_of(spec) for each in phase.weights.wanted))


def window(scheduler: SchedulerMixin, steps: int, phase: Phase) -> slice:
    """Return which of the scheduler's timesteps are this phase's, as diffusers' pipelines cut them.

    By strength as img2img does, by start and end as the ensemble of expert denoisers (SDXL's paper, 2.5) does.
    What one phase leaves, the next takes: no step is taken twice, and none is left out.
    """
    levels = scheduler.timesteps
    begin = (steps - min(int(steps * phase.strength), steps)) * scheduler.order
    if phase.takes_over:
        begin = max(begin, done_at(scheduler, phase.start))
    end = len(levels) if phase.end >= 1 else done_at(scheduler, phase.end)
    return slice(begin, max(begin, end))


def done_at(scheduler: SchedulerMixin, part: float) -> int:
    """Count the timesteps up to this part. A step of second order, which has two, is never cut in the middle: diffusers
    does, and its refiner then takes that step again on latents that are further on."""
    trained = scheduler.config.num_train_timesteps
    count = int((scheduler.timesteps >= round(trained - part * trained)).sum())
    return min(-(-count // scheduler.order) * scheduler.order, len(scheduler.timesteps))


def steps_of(spec: Spec) -> list[tuple[int, float]]:
    """Estimate a picture's work: the pixels and the steps of each pass, before any scheduler is asked."""
    first = (spec.width * spec.height, spec.steps * (spec.strength if spec.init_image else 1.0))
    width, height = spec.final_size
    return [first, (width * height, spec.steps * spec.hires.strength)] if spec.hires else [first]
