"""The requests the engine is measured with, a row of them at a time."""

from collections.abc import Sequence
from dataclasses import replace

from bench.companions import Companions
from bench.kinds import with_controlnet, with_refiner
from generation.engine.spec import LoraUse, Spec

LARGE = 2048
# Of the eight mixed requests: scheduler, share of the row's steps, guidance scale.
MIXED = (
    ("EulerDiscreteScheduler", 1.0, 5.0),
    ("EulerAncestralDiscreteScheduler", 0.8, 7.0),
    ("DPMSolverMultistepScheduler", 0.6, 4.0),
    ("UniPCMultistepScheduler", 0.5, 6.0),
    ("DDIMScheduler", 1.0, 3.0),
    ("EulerDiscreteScheduler", 0.7, 9.0),
    ("DPMSolverMultistepScheduler", 0.9, 2.0),
    ("DDPMScheduler", 1.0, 8.0),
)


def plain_spec(checkpoint: str, *, side: int, steps: int) -> Spec:
    """Return a spec of one picture from words alone."""
    return Spec(
        checkpoint=checkpoint,
        prompt="a red fox on a blue sea",
        negative_prompt="blurry",
        width=side,
        height=side,
        steps=steps,
        guidance_scale=5.0,
        seed=7,
        n=1,
        scheduler="EulerDiscreteScheduler",
    )


def rows_of(one: Spec, *, large: bool, loras: Sequence[LoraUse], made: Companions) -> dict[str, Sequence[Spec]]:
    """Return the specs of each row; those of a row are asked for at once."""
    rows: dict[str, Sequence[Spec]] = {
        "1 picture": [one],
        "4 pictures": [replace(one, n=4)],
        "8 mixed requests": [mixed(one, *kind, seed=seed) for seed, kind in enumerate(MIXED)],
        f"{len(loras)} requests, a LoRA each": [replace(one, loras=(lora,)) for lora in loras],
        "ControlNet": [with_controlnet(made, one)],
        "refiner": [with_refiner(made, one)],
    }
    if large:
        rows[f"{LARGE}x{LARGE}"] = [replace(one, width=LARGE, height=LARGE)]
    return rows


def mixed(one: Spec, scheduler: str, share: float, guidance_scale: float, *, seed: int) -> Spec:
    return replace(
        one, scheduler=scheduler, steps=max(1, round(share * one.steps)), guidance_scale=guidance_scale, seed=seed
    )
