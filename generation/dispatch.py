"""How does a claimed generation become stored images? The engine makes pictures; this encodes and stores them."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from generation import storage
from generation.engine.encode import Format, encode, thumbnail
from generation.engine.errors import DeviceLost, EngineError
from generation.engine.parameters import parameters_text
from generation.engine.spec import Picture, Spec, StepReport
from generation.models import GenerationJob, Image
from jobs.leases import Lease
from jobs.lifecycle import JobFailed, WorkerUnfit
from loras.services import shelve_checkpoint
from wire.errors import ApiError

log = logging.getLogger(__name__)


class Engine(Protocol):
    """What we ask of an engine; the real one is generation.engine.engine.Engine."""

    description: dict[str, str]

    def generate(self, spec: Spec, on_step: Callable[[StepReport], None]) -> list[Picture]:
        """Return the pictures."""


class Generations:
    """Performs generations on one engine that stays warm."""

    engine: Engine

    def warm_up(self) -> None:
        """Load the checkpoint that the settings name. Raises JobFailed with a sentence for the operator."""
        started = time.monotonic()
        try:
            self.engine = import_string(settings.ENGINE)(settings.CHECKPOINT, device=settings.DEVICE)
        except EngineError as error:
            raise JobFailed(error.code, str(error)) from error
        shelve_checkpoint(settings.CHECKPOINT)
        log.info("checkpoint %s is loaded after %.1f s", settings.CHECKPOINT, time.monotonic() - started)

    def perform(self, job: GenerationJob, lease: Lease) -> Sequence[Image]:
        """Make the pictures, store their files, and return the rows that say so."""
        try:
            pictures = self.engine.generate(job.spec, lambda done: lease.report(done.step, done.steps))
            return [self._store(job, picture, lease) for picture in pictures]
        except DeviceLost as error:
            raise WorkerUnfit(str(error)) from error
        except EngineError as error:
            raise JobFailed(error.code, str(error)) from error
        except ApiError as error:
            raise JobFailed(error.code, error.message) from error

    def _store(self, job: GenerationJob, picture: Picture, lease: Lease) -> Image:
        lease.renew()  # storing is progress too
        image = Image(
            tenant_id=job.tenant_id,
            job=job,
            index=picture.index,
            seed=picture.seed,
            width=picture.image.width,
            height=picture.image.height,
            format=job.output_format,
        )
        image.receipt = self._receipt(job, image)
        content = encode(
            picture.image,
            cast(Format, job.output_format),
            quality=job.output_quality,
            parameters=self._parameters(job, picture),
            receipt=json.dumps(image.receipt),
        )
        image.blob = storage.write(job, f"{picture.index}.{job.output_format}", content)
        image.thumbnail = storage.write(job, f"{picture.index}.thumbnail.webp", thumbnail(picture.image))
        image.size_bytes, image.sha256 = len(content), hashlib.sha256(content).hexdigest()
        return image

    def _parameters(self, job: GenerationJob, picture: Picture) -> str:
        """Return the text in which other tools look for settings."""
        made_by = self.engine.description
        return parameters_text(
            job.spec, seed=picture.seed, model=made_by["checkpoint"], model_sha256=made_by["unet_sha256"]
        )

    def _receipt(self, job: GenerationJob, image: Image) -> dict[str, Any]:
        """Return all that is needed to make this image again, and nothing about who asked."""
        spec = job.spec
        return {
            "receipt": 1,
            "image": image.pk,
            "created_at": timezone.now().isoformat(timespec="seconds"),
            "prompt": spec.prompt,
            "negative_prompt": spec.negative_prompt,
            "width": spec.width,
            "height": spec.height,
            "steps": spec.steps,
            "guidance_scale": spec.guidance_scale,
            "scheduler": spec.scheduler,
            "seed": image.seed,
            "loras": [{"name": lora.name, "sha256": lora.sha256, "weight": lora.weight} for lora in spec.loras],
            "engine": self.engine.description,
        }
