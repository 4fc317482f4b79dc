"""What does OpenAI's client hear on a stream? Unfinished looks at the pictures, then each picture, whole."""

import time
from collections.abc import Iterable
from typing import Any, Literal

from generation import previews, storage
from generation.dialects.openai.answers import (
    Said,
    as_base64,
    facts,
    finished,
    in_order,
    milliseconds,
    usage,
)
from generation.models import GenerationJob, Image
from jobs.streaming import STILL_HERE, Event, Stream

Kind = Literal["image_generation", "image_edit"]


def stream_of(job: GenerationJob, said: Said, kind: Kind) -> Stream:
    """Return what to tell of a job.

    OpenAI's events do not say which of several pictures they are about; ours do, in `image_index`.
    """
    told: set[tuple[int, int]] = set()  # a second attempt shows again what the first has shown

    def partial(shown: bytes) -> Iterable[Event]:
        look = previews.unpacked(shown)
        place = (look.index, look.number)
        if place not in told:
            told.add(place)
            content = look.encoded_as(job.output_format)
            index = {"partial_image_index": look.number, "image_index": look.index}
            yield _event(f"{kind}.partial_image", content, facts(job, said) | index)

    def completed() -> Iterable[Event]:
        done = finished(job)
        images = in_order(done)
        for image, tokens in zip(images, _shares(milliseconds(done), len(images)), strict=True):
            yield _event(f"{kind}.completed", storage.read(image.blob), _of_whole(image, done, said, tokens))

    # OpenAI's clients take a line about retrying for an event without data, and break.
    return Stream(job, done=completed, preview=partial, previews=job.n * job.previews, opening=STILL_HERE)


def _of_whole(image: Image, job: GenerationJob, said: Said, tokens: int) -> dict[str, Any]:
    ours = {"image_index": image.index, "seed": image.seed, "id": image.pk, "generation": job.pk}
    return facts(job, said) | {"usage": usage(tokens), "safety_identifier": said.safety_identifier} | ours


def _shares(tokens: int, parts: int) -> list[int]:
    """Divide what a job took among its pictures, so that the sum is what it took."""
    return [tokens * (part + 1) // parts - tokens * part // parts for part in range(parts)]


def _event(name: str, content: bytes, about: dict[str, Any]) -> Event:
    return Event(name, {"type": name, "b64_json": as_base64(content), "created_at": int(time.time()), **about})
