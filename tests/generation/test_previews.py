"""Previews on their way: from the engine through a real store to whoever watches, and to nobody else."""

import base64
import io

import PIL.Image

from darkroom.up.store import free_port
from generation.models import GenerationJob
from tests.fakes import FakeEngine


class Unshowable(FakeEngine):
    """An engine whose looks are no pictures."""

    def submit(self, spec, on_picture, on_preview, urgency):
        return super().submit(spec, on_picture, lambda index, number, image: on_preview(index, number, None), urgency)


ROUTE = "/api/v1/generations"
ASKED = {"prompt": "a kite", "size": "512x256", "steps": 60, "previews": 2}


def opened(address):
    """Return the picture in a data: URL."""
    head, _, content = address.partition(",")
    assert head == "data:image/jpeg;base64"
    return PIL.Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_stream_shows_previews_before_the_end(alice, watch, worker, valkey):
    job = alice.api.post(ROUTE, ASKED | {"n": 2}).json()
    events = watch(alice, job["id"])
    shown = [data for name, data in events if name == "preview"]
    assert sorted((each["index"], each["number"]) for each in shown) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert events[-1][0] == "done"


def test_a_preview_is_small_and_keeps_its_shape(alice, watch, worker, valkey):
    job = alice.api.post(ROUTE, ASKED).json()
    first = next(data for name, data in watch(alice, job["id"]) if name == "preview")
    assert (opened(first["image"]).format, opened(first["image"]).size) == ("JPEG", (256, 128))


def test_who_asks_for_no_previews_is_shown_none(alice, watch, worker, valkey):
    job = alice.api.post(ROUTE, ASKED | {"previews": 0}).json()
    assert "preview" not in [name for name, _ in watch(alice, job["id"])]
    assert not valkey.keys("preview:*")


def test_whoever_comes_later_is_shown_what_came_before(alice, watch, run_jobs, valkey):
    job = alice.api.post(ROUTE, ASKED).json()
    run_jobs()
    assert [name for name, _ in watch(alice, job["id"])] == ["preview", "preview", "progress", "done"]


def test_previews_are_forgotten_within_a_minute(alice, run_jobs, valkey):
    alice.api.post(ROUTE, ASKED)
    run_jobs()
    kept = valkey.keys("preview:*")
    assert len(kept) == 2
    assert all(0 < valkey.ttl(key) <= 60 for key in kept)


def test_without_a_store_there_are_no_previews_and_no_error(alice, watch, worker, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    job = alice.api.post(ROUTE, ASKED).json()
    events = watch(alice, job["id"])
    assert {name for name, _ in events} == {"progress", "done"}
    assert GenerationJob.objects.get().status == "succeeded"


def test_a_look_that_cannot_be_shown_fails_no_generation(alice, generations, run_jobs, valkey):
    generations.engine = Unshowable("fake-sdxl")
    alice.api.post(ROUTE, ASKED)
    run_jobs()
    assert GenerationJob.objects.get().status == "succeeded"
    assert not valkey.keys("preview:*")
