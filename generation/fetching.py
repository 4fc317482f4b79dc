"""What must lie at hand before a generation can be drawn? Its LoRAs' files, and its pictures in the spec's size."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from PIL import Image

from generation.engine.spec import Control, Spec
from generation.intake import open_picture, preprocess
from generation.models import GenerationControl, GenerationJob, GenerationLora, Upload
from generation.pictures import MaskMode, fitted, fitted_mask


def needs(job: GenerationJob) -> list[GenerationLora | Upload]:
    """Return what has to be fetched. Asks the database for all of it: the threads that fetch have no connection."""
    pictures = [job.init_image, job.mask, *(control.image for control in job.followed)]
    return [*job.worn, *(picture for picture in pictures if picture)]


def with_pictures(job: GenerationJob, spec: Spec, on_picture: Callable[[], None]) -> Spec:
    """Return the spec with the job's pictures, opened and of its size. Raises ApiError when the store refuses."""
    size = (spec.width, spec.height)
    init_image = fitted(open_picture(job.init_image), size) if job.init_image else None
    on_picture()
    mask = fitted_mask(open_picture(job.mask), cast(MaskMode, job.mask_mode), size) if job.mask else None
    on_picture()
    controls = []
    for followed in job.followed:
        controls.append(_control(followed, size))
        on_picture()
    return replace(spec, init_image=init_image, mask=mask, controls=tuple(controls))


def _control(followed: GenerationControl, size: tuple[int, int]) -> Control:
    """Return the ControlNet with its image, which a preprocessor makes in the size that it is followed in."""
    picture: Image.Image = fitted(open_picture(followed.image), size)
    return followed.over(preprocess(followed.preprocess, picture) if followed.preprocess else picture)
