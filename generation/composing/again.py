"""What fills the form to ask for pictures like earlier ones, or to begin from one?"""

from typing import Any

from generation.composing import composition
from generation.composing.composition import Composition
from generation.composing.given import SIZE_OF_THE_START
from generation.image_views import find_image
from generation.models import GenerationJob
from generation.views import find_generation
from tenants.callers import Caller
from wire.ids import is_id

PLAIN = (
    "prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "seed", "n", "scheduler", "sigmas",
    "preset", "exact", "output_format", "output_quality", "strength", "mask_mode", "mask_blur", "refiner_start",
    "hires_scale", "hires_strength",
)  # fmt: skip

Beginning = tuple[Composition, dict[str, Any]]


def use_again(caller: Caller, source: str) -> Beginning:
    """Return all settings of an image, its own seed included, or of a generation. Raises ApiError."""
    if not is_id(source, "img"):
        job = find_generation(caller.tenant, source)
        return _again(caller, job, settings_of(job))
    image = find_image(caller.tenant, source)
    return _again(caller, image.job, settings_of(image.job) | {"seed": image.seed, "n": 1})


def _again(caller: Caller, job: GenerationJob, fields: dict[str, Any]) -> Beginning:
    return composition.of_job(caller, job, fields), fields


def begin_from(caller: Caller, image_id: str) -> Beginning:
    """Return a form that starts from this image, with the prompt that it was drawn from. Raises ApiError."""
    image = find_image(caller.tenant, image_id)
    job = image.job
    fields = {
        "init_image": image.pk,
        "size": SIZE_OF_THE_START,
        "prompt": job.prompt,
        "negative_prompt": job.negative_prompt,
    }
    return composition.blank(caller, fields), fields


def settings_of(job: GenerationJob) -> dict[str, Any]:
    """Return what fills the form to ask for this generation again."""
    stored = {name: getattr(job, name) for name in PLAIN}
    said = {name: value for name, value in stored.items() if value is not None}
    return said | {
        "size": f"{job.width}x{job.height}",
        "checkpoint": job.checkpoint.name,
        "filled_checkpoint": job.checkpoint.name,
        "filled_preset": job.preset,
        "init_image": job.init_image_id or "",
        "mask": job.mask_id or "",
        "mask_blur": job.mask_blur or "",
        "refiner": job.refiner.name if job.refiner else "",
        "hires": job.hires_scale is not None,
    }
