"""From which pictures was an image made, and what was each to it?"""

from dataclasses import dataclass

from generation.models import GenerationControl, GenerationJob, Upload

MADE = {"": "as it is", "canny": "thin lines made of it", "scribble": "thick lines made of it"}


@dataclass(frozen=True)
class Input:
    """A picture that went in, what it was there for, and how far it counted."""

    role: str
    upload: Upload
    facts: str = ""


def inputs_of(job: GenerationJob) -> list[Input]:
    """Return every picture that a generation was made from, its start first."""
    start = [Input("Start", job.init_image, f"strength {job.strength:g}")] if job.init_image else []
    blur = f"soft edge of {job.mask_blur} px" if job.mask_blur else ""
    mask = [Input("Mask", job.mask, blur)] if job.mask else []
    return [*start, *mask, *(_followed(each) for each in job.controls.all())]


def _followed(control: GenerationControl) -> Input:
    net = control.controlnet
    used = MADE.get(control.preprocess, control.preprocess)
    window = "" if (control.start, control.end) == (0, 1) else f", from {control.start:g} to {control.end:g}"
    return Input(net.title or net.name, control.image, f"{used}, weight {control.weight:g}{window}")
