"""OpenAI's official client, unmodified, on a stream: unfinished looks, whole pictures, and errors that it raises."""

import base64
import hashlib
import io

import openai
import PIL.Image
import pytest
from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent

from generation.dialects.openai.answers import Said
from generation.dialects.openai.streaming import stream_of
from generation.models import GenerationJob, Image
from generation.previews import packed
from tests.generation.test_openai import BrokenEngine

ASKED = {"prompt": "a kite", "size": "512x256", "stream": True, "extra_body": {"steps": 60}}


@pytest.fixture
def heard(openai_client, valkey):
    """Ask for a stream of pictures and return its events."""
    return lambda **fields: list(openai_client.images.generate(**ASKED | fields))


def opened(event):
    """Return the picture in an event."""
    return PIL.Image.open(io.BytesIO(base64.b64decode(event.b64_json)))


def test_partial_images_come_before_the_whole_one(heard, worker):
    events = heard(partial_images=3)
    assert [event.type for event in events] == ["image_generation.partial_image"] * 3 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:3]] == [0, 1, 2]
    assert [opened(event).size for event in events] == [(256, 128)] * 3 + [(512, 256)]


def test_the_events_are_exactly_of_the_clients_types(heard, worker):
    partial, completed = (event.to_dict() for event in heard(partial_images=1))
    ImageGenPartialImageEvent.model_validate(partial, strict=True)
    ImageGenCompletedEvent.model_validate(completed, strict=True)


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_every_look_has_the_format_of_the_picture(heard, worker, output_format):
    events = heard(partial_images=1, output_format=output_format)
    assert [opened(event).format for event in events] == [output_format.upper()] * 2
    assert {event.output_format for event in events} == {output_format}


def test_no_partial_images_leave_one_event(heard, worker):
    (event,) = heard(partial_images=0)
    job = GenerationJob.objects.get()
    assert (event.size, event.quality, event.generation, job.previews) == ("512x256", "auto", job.pk, 0)
    assert hashlib.sha256(base64.b64decode(event.b64_json)).hexdigest() == Image.objects.get().sha256


def test_several_pictures_are_several_events_that_share_what_they_cost(heard, worker):
    events = heard(n=3)
    assert [event.image_index for event in events] == [0, 1, 2]
    assert sum(event.usage.output_tokens for event in events) == GenerationJob.objects.get().charged_ms > 0


def test_a_second_attempt_shows_nothing_twice(alice):
    alice.api.post("/api/v1/generations", {"prompt": "a kite"})
    stream = stream_of(GenerationJob.objects.get(), Said("auto", True, True, None), "image_edit")
    looks = [packed(0, number, PIL.Image.new("RGB", (64, 64))) for number in (0, 1, 0, 1)]
    assert [len(list(stream.preview(look))) for look in looks] == [1, 1, 0, 0]


def test_a_failure_is_raised_by_the_client(heard, worker, generations):
    generations.engine = BrokenEngine("broken")
    with pytest.raises(openai.APIError) as error:
        heard()
    assert (error.value.code, error.value.type) == ("internal_error", "server_error")


def test_a_cancelled_generation_is_raised_by_the_client(openai_client, alice):
    stream = openai_client.images.generate(**ASKED)
    alice.api.post(f"/api/v1/generations/{GenerationJob.objects.get().pk}/cancel")
    with pytest.raises(openai.APIError) as error:
        list(stream)
    assert error.value.code == "cancelled_by_client"


def test_what_is_refused_is_no_stream(openai_client):
    with pytest.raises(openai.BadRequestError) as error:
        openai_client.images.generate(**ASKED | {"size": "1x1"})
    assert error.value.param == "size"


def test_one_tenant_cannot_hold_every_stream(openai_client, settings):
    settings.MAX_WAITERS_PER_TENANT = 0
    with pytest.raises(openai.RateLimitError):
        openai_client.with_options(max_retries=0).images.generate(**ASKED)
    assert not GenerationJob.objects.exists()
