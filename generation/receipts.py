"""What does a picture's receipt say? All that is needed to make it again, and nothing about who asked."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from generation.engine.spec import Picture, Spec
from generation.models import GenerationControl, GenerationJob, Image

# By how much a picture may differ from itself drawn in other company, where that was measured (bench.soak): floats
# summed in another order are now and then rounded the other way. On GPUs nothing has been measured yet.
TOLERANCES = {("cpu", "float32"): "1/255"}


def receipt(job: GenerationJob, spec: Spec, picture: Picture, image: Image) -> dict[str, Any]:
    """Return the receipt of this image; pictures and weights are named by their SHA-256."""
    return {
        "receipt": 1,
        "image": image.pk,
        "created_at": timezone.now().isoformat(timespec="seconds"),
        "kind": job.kind,
        **_asked(job, spec),
        "seed": image.seed,
        "loras": [{"name": lora.name, "sha256": lora.sha256, "weight": lora.weight} for lora in spec.loras],
        **_beginning(job),
        "controlnets": [_followed(control) for control in job.followed],
        "refiner": _refined(spec),
        "hires": {"scale": spec.hires.scale, "strength": spec.hires.strength} if spec.hires else None,
        "determinism": "exact" if spec.exact else "fast",
        "tolerance": tolerance(spec, picture.drawn_by),
        "engine": dict(picture.drawn_by),
    }


def tolerance(spec: Spec, drawn_by: Mapping[str, str]) -> str | None:
    """Return by how much any pixel may differ when the picture is drawn again; None where nobody has measured it."""
    return "0" if spec.exact else TOLERANCES.get((drawn_by["device"], drawn_by["dtype"]))


def _asked(job: GenerationJob, spec: Spec) -> dict[str, Any]:
    names = (
        "prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "scheduler", "sigmas",
        "timestep_spacing",
    )  # fmt: skip
    return {name: getattr(spec, name) for name in names} | {"preset": job.preset or None}


def _beginning(job: GenerationJob) -> dict[str, Any]:
    init_image, mask = job.init_image, job.mask
    drawn_anew = {"mode": job.mask_mode, "blur": job.mask_blur}
    return {
        "init_image": {"sha256": init_image.sha256} if init_image else None,
        "strength": job.strength,
        "mask": {"sha256": mask.sha256, **drawn_anew} if mask else None,
    }


def _refined(spec: Spec) -> dict[str, Any] | None:
    refiner = spec.refiner
    if refiner is None:
        return None
    return {"name": refiner.name, "start": refiner.start, "guidance_scale": refiner.guidance_scale}


def _followed(control: GenerationControl) -> dict[str, Any]:
    return {
        "name": control.controlnet.name,
        "sha256": control.controlnet.sha256,
        "image": {"sha256": control.image.sha256},
        "preprocess": control.preprocess or None,
        "weight": control.weight,
        "start": control.start,
        "end": control.end,
    }
