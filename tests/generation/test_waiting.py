"""A request that waits for its job holds next to nothing, and is held up by nobody."""

import asyncio
import gc
import threading
import time

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.test import RequestFactory
from openai import OpenAIError
from rest_framework.request import Request

from generation.models import GenerationJob
from jobs.threads import in_thread
from jobs.waiting import waits
from jobs.watch import WATCH
from tests.generation.giving import file_of, plain
from wire.turns import IN_SCOPE, Turn


@pytest.fixture
def waiting(alice, openai_client, valkey):
    """A request that waits for a job which nobody does."""

    def ask():
        with pytest.raises(OpenAIError):
            openai_client.with_options(max_retries=0).images.edit(
                image=("k.png", file_of(plain())), prompt="a red kite"
            )

    gc.collect()
    gc.freeze()  # what other tests left behind is not looked at
    thread = threading.Thread(target=ask)
    thread.start()
    while not WATCH.waiters:
        time.sleep(0.01)
    yield
    gc.unfreeze()
    alice.api.post(f"/api/v1/generations/{GenerationJob.objects.get().pk}/cancel")
    thread.join()


def bodies_in_memory() -> int:
    """Return how many of DRF's requests there are, each with its JSON, and how many open files of forms."""
    gc.collect()
    files = [each for each in gc.get_objects() if issubclass(type(each), UploadedFile)]
    return sum(type(each) is Request for each in gc.get_objects()) + sum(not file.closed for file in files)


def test_its_body_is_let_go_of(waiting):
    deadline = time.monotonic() + 2  # the pool's thread is a moment behind
    while bodies_in_memory() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bodies_in_memory() == 0


def test_doors_that_take_long_hold_up_nobody_who_waits():
    opened = threading.Event()

    def slow(request):  # as one that fetches pictures from slow servers
        opened.wait(20)
        return HttpResponse()

    async def look() -> int:
        doors = [asyncio.create_task(waits(slow)(RequestFactory().get("/"))) for _ in range(40)]
        try:
            return await asyncio.wait_for(in_thread(lambda: 1)(), 5)
        finally:
            opened.set()
            await asyncio.gather(*doors)

    assert asyncio.run(look()) == 1


def test_a_door_that_has_read_a_large_body_lets_the_next_one_in():
    request, turn = RequestFactory().get("/"), Turn(asyncio.Semaphore(1))
    request.scope = {IN_SCOPE: turn}

    async def serve() -> None:
        await turn.take()
        await waits(lambda request: HttpResponse())(request)

    asyncio.run(serve())
    assert not turn.is_taken
