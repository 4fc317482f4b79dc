"""Makes the scheduler object of one picture: schedulers carry state, so no two pictures ever share one."""

import inspect
from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from diffusers import SchedulerMixin

from loras.weights.schedulers import KINDS, SIGMAS, refuse_unfit

# What SDXL's own configuration says and a bare one leaves to the classes' defaults, which are meant for other models:
# DDIM and DDPM would clip the latents to [-1, 1], PNDM would start with Runge-Kutta steps.
SDXL_DEFAULTS = {"clip_sample": False, "set_alpha_to_one": False, "skip_prk_steps": True}


def fresh_scheduler(
    name: str, config: Mapping[str, Any], steps: int, *, sigmas: str = "default", spacing: str = "default"
) -> SchedulerMixin:
    """Return a new scheduler, one of SCHEDULERS, for the checkpoint's configuration, set to `steps`.

    Raises SettingsUnfit for sigmas or a spacing of timesteps that it does not know.
    """
    refuse_unfit(name, steps=steps, sigmas=sigmas, spacing=spacing)
    kind = KINDS[name]
    chosen = dict(kind.options)
    if sigmas != "default":
        chosen |= {f"use_{each}_sigmas": each == sigmas for each in SIGMAS[1:]}
    if spacing != "default":
        chosen["timestep_spacing"] = spacing
    scheduler = getattr(diffusers, kind.class_name).from_config({**SDXL_DEFAULTS, **config, **chosen})
    scheduler.set_timesteps(steps)  # on the CPU: a timestep on the GPU would be waited for at every step
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    return scheduler


def next_latents(
    scheduler: SchedulerMixin,
    noise: torch.Tensor,
    timestep: torch.Tensor,
    latents: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return the latents after one step; a scheduler that adds fresh noise draws it from the generator."""
    draws = {"generator": generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    return scheduler.step(noise, timestep, latents, return_dict=False, **draws)[0]
