"""What does OpenAI's client hear when the pictures are there, or when they are not?"""

import base64
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, JsonResponse

from generation import storage
from generation.links import link_to
from generation.models import GenerationJob, Image
from generation.views import MAX_WAIT_SECONDS, find_generation
from jobs.models import Status
from wire import errors
from wire.errors import ApiError

# A job that failed is final: without this header OpenAI's clients would ask, and pay, twice more.
FINAL = {"x_should_retry": "false"}
STATUS_OF = {"gpu_out_of_memory": 400, "invalid_output": 500, "worker_crashed": 500, "internal_error": 500}


@dataclass(frozen=True)
class Said:
    """What an answer repeats of its request, and in which form it comes."""

    quality: str
    as_base64: bool
    is_streamed: bool
    safety_identifier: str | None


def answer(job: GenerationJob, said: Said) -> HttpResponse:
    """Answer with the pictures, or with why there are none."""
    try:
        return JsonResponse(body(finished(job), said))
    except ApiError as refusal:
        return errors.answer(refusal)


def finished(job: GenerationJob) -> GenerationJob:
    """Return the job as it is now, with its images. Raises ApiError unless it has succeeded."""
    job = find_generation(job.tenant, job.pk)
    if job.status != Status.SUCCEEDED:
        raise _refusal(job)
    return job


def body(job: GenerationJob, said: Said) -> dict[str, Any]:
    """Return the answer to a request without a stream."""
    return {
        "created": int(job.created_at.timestamp()),
        "data": [_item(image, said) for image in in_order(job)],
        **facts(job, said),
        "background": "opaque",
        "quality": None if said.quality == "auto" else said.quality,
        "safety_identifier": said.safety_identifier,
        "usage": usage(milliseconds(job)),
        "generation": job.pk,
    }


def facts(job: GenerationJob, said: Said) -> dict[str, Any]:
    """Return what every answer and event says of the pictures."""
    width, height = job.spec.final_size
    return {
        "background": "opaque",
        "output_format": job.output_format,
        "quality": said.quality,
        "size": f"{width}x{height}",
    }


def in_order(job: GenerationJob) -> list[Image]:
    """Return the job's images by their place."""
    return sorted(job.images.all(), key=lambda image: image.index)


def as_base64(content: bytes) -> str:
    """Return a file as JSON carries it."""
    return base64.b64encode(content).decode()


def milliseconds(job: GenerationJob) -> int:
    """Return how many GPU-milliseconds the job was charged, so that what programs add up is what they pay."""
    return job.charged_ms or 0


def usage(output_tokens: int) -> dict[str, Any]:
    """Return what pictures cost. One token is one millisecond of the GPU that is charged; prompts and given pictures
    count for nothing, since what they take is in that time."""
    return {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"image_tokens": output_tokens, "text_tokens": 0},
        "total_tokens": output_tokens,
    }


def _item(image: Image, said: Said) -> dict[str, Any]:
    where = {"b64_json": as_base64(storage.read(image.blob))} if said.as_base64 else {"url": link_to(image)}
    return {**where, "seed": image.seed, "id": image.pk}


def _refusal(job: GenerationJob) -> ApiError:
    if job.status == Status.FAILED:
        return ApiError(STATUS_OF.get(job.error_code, 500), job.error_code, job.error_message, **FINAL)
    if job.status == Status.CANCELLED:
        return ApiError(400, "cancelled_by_client", f"The generation {job.pk} was cancelled.", **FINAL)
    message = f"Not ready after {MAX_WAIT_SECONDS} s. It goes on: GET /api/v1/generations/{job.pk}."
    return ApiError(503, "still_running", message, **FINAL)
