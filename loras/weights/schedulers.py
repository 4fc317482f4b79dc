"""Which schedulers denoise, and which settings does each take? Facts about diffusers' classes, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# How the noise levels are spaced; "default" is as the checkpoint's configuration says, with the timesteps' spacing.
SIGMAS = ("default", "karras", "exponential", "beta")
SPACINGS = ("default", "leading", "linspace", "trailing")

# Inclusive pairs (least, most).
STEPS = (1, 100)
GUIDANCE = (0.0, 30.0)


@dataclass(frozen=True)
class Kind:
    """A scheduler: diffusers' class, what it is told beside the checkpoint's configuration, and what it lets choose."""

    class_name: str
    options: Mapping[str, object] = field(default_factory=dict)
    sigmas: tuple[str, ...] = SIGMAS
    spacings: tuple[str, ...] = SPACINGS
    most_steps: int = STEPS[1]


class SettingsUnfit(ValueError):
    """Report which setting a scheduler does not take, in a sentence that says which it does."""

    def __init__(self, param: str, sentence: str) -> None:
        super().__init__(sentence)
        self.param = param


PLAIN = SIGMAS[:1]
UNSPACED = SPACINGS[:1]
STOCHASTIC = {"algorithm_type": "sde-dpmsolver++"}

# The usual one first. Left out: DPMSolverSDEScheduler, which needs torchsde. LCM and TCD are for weights distilled for
# them; they pick their steps from the 50 that they were distilled with, and no spacing changes that.
KINDS: dict[str, Kind] = {
    "EulerDiscreteScheduler": Kind("EulerDiscreteScheduler"),
    "EulerAncestralDiscreteScheduler": Kind("EulerAncestralDiscreteScheduler", sigmas=PLAIN),
    "DPMSolverMultistepScheduler": Kind("DPMSolverMultistepScheduler"),
    "DPMSolverMultistepScheduler-SDE": Kind("DPMSolverMultistepScheduler", STOCHASTIC),
    "DPMSolverSinglestepScheduler": Kind("DPMSolverSinglestepScheduler", spacings=UNSPACED),
    "DPMSolverSinglestepScheduler-SDE": Kind("DPMSolverSinglestepScheduler", STOCHASTIC, spacings=UNSPACED),
    "UniPCMultistepScheduler": Kind("UniPCMultistepScheduler"),
    "DEISMultistepScheduler": Kind("DEISMultistepScheduler"),
    "HeunDiscreteScheduler": Kind("HeunDiscreteScheduler"),
    "KDPM2DiscreteScheduler": Kind("KDPM2DiscreteScheduler"),
    "KDPM2AncestralDiscreteScheduler": Kind("KDPM2AncestralDiscreteScheduler"),
    "LMSDiscreteScheduler": Kind("LMSDiscreteScheduler"),
    "DDIMScheduler": Kind("DDIMScheduler", sigmas=PLAIN),
    "DDPMScheduler": Kind("DDPMScheduler", sigmas=PLAIN),
    "PNDMScheduler": Kind("PNDMScheduler", sigmas=PLAIN),
    "LCMScheduler": Kind("LCMScheduler", sigmas=PLAIN, spacings=UNSPACED, most_steps=50),
    "TCDScheduler": Kind("TCDScheduler", sigmas=PLAIN, spacings=UNSPACED, most_steps=50),
}
SCHEDULERS = tuple(KINDS)


def refuse_unfit(name: str, *, steps: int = 1, sigmas: str = "default", spacing: str = "default") -> None:
    """Raise SettingsUnfit for what the scheduler of this name, one of SCHEDULERS, does not take."""
    kind = KINDS[name]
    if sigmas not in kind.sigmas:
        raise SettingsUnfit("sigmas", f"sigmas of {name} must be one of: {', '.join(kind.sigmas)}.")
    if spacing not in kind.spacings:
        raise SettingsUnfit(
            "timestep_spacing", f"timestep_spacing of {name} must be one of: {', '.join(kind.spacings)}."
        )
    if steps > kind.most_steps:
        raise SettingsUnfit("steps", f"steps must be at most {kind.most_steps} with {name}.")
