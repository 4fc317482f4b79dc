"""What does AUTOMATIC1111 call a scheduler and the spacing of its noise levels? Its names both ways, without torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampler:
    """A sampler's name, and which sigmas it takes where the schedule type is Automatic."""

    name: str
    automatic: str = "default"


SAMPLERS: dict[str, Sampler] = {
    "EulerDiscreteScheduler": Sampler("Euler"),
    "EulerAncestralDiscreteScheduler": Sampler("Euler a"),
    "DPMSolverMultistepScheduler": Sampler("DPM++ 2M", "karras"),
    "DPMSolverMultistepScheduler-SDE": Sampler("DPM++ 2M SDE", "exponential"),
    "DPMSolverSinglestepScheduler": Sampler("DPM++ 2S"),
    "DPMSolverSinglestepScheduler-SDE": Sampler("DPM++ SDE", "karras"),
    "UniPCMultistepScheduler": Sampler("UniPC"),
    "DEISMultistepScheduler": Sampler("DEIS"),
    "HeunDiscreteScheduler": Sampler("Heun"),
    "KDPM2DiscreteScheduler": Sampler("DPM2", "karras"),
    "KDPM2AncestralDiscreteScheduler": Sampler("DPM2 a", "karras"),
    "LMSDiscreteScheduler": Sampler("LMS"),
    "DDIMScheduler": Sampler("DDIM"),
    "DDPMScheduler": Sampler("DDPM"),
    "PNDMScheduler": Sampler("PLMS"),
    "LCMScheduler": Sampler("LCM"),
    "TCDScheduler": Sampler("TCD"),
}
AUTOMATIC = "Automatic"
SCHEDULE_TYPES = {"default": "Uniform", "karras": "Karras", "exponential": "Exponential", "beta": "Beta"}


def schedule_type(scheduler: str, sigmas: str) -> str:
    """Return the schedule type that means these sigmas with this scheduler."""
    is_automatic = sigmas == "default" == SAMPLERS[scheduler].automatic
    return AUTOMATIC if is_automatic else SCHEDULE_TYPES[sigmas]


def scheduler_of(sampler: str, said_type: str = AUTOMATIC) -> tuple[str, str]:
    """Return the scheduler and sigmas that these names mean: "DPM++ 2M", "Karras", or "DPM++ 2M Karras" as of old.

    A scheduler's own name does as well, and upper and lower case are one. Raises LookupError with a sentence.
    """
    name, schedule = _parted(sampler, said_type)
    for scheduler, known in SAMPLERS.items():
        if name in (known.name.casefold(), scheduler.casefold()):
            return scheduler, known.automatic if schedule == AUTOMATIC.casefold() else _sigmas(schedule, said_type)
    known_names = ", ".join(known.name for known in SAMPLERS.values())
    raise LookupError(f"There is no sampler {sampler[:100]!r}. Known: {known_names}.")


def _parted(sampler: str, said_type: str) -> tuple[str, str]:
    """Return the sampler and the schedule type; the one joined to the sampler's name goes before the other."""
    name = sampler.casefold()
    for known in (AUTOMATIC, *SCHEDULE_TYPES.values()):
        if name.endswith(f" {known.casefold()}"):
            return name.removesuffix(f" {known.casefold()}"), known.casefold()
    return name, said_type.casefold()


def _sigmas(schedule: str, said_type: str) -> str:
    for sigmas, known in SCHEDULE_TYPES.items():
        if schedule == known.casefold():
            return sigmas
    known_types = ", ".join((AUTOMATIC, *SCHEDULE_TYPES.values()))
    raise LookupError(f"There is no schedule type {said_type[:100]!r}. Known: {known_types}.")
