"""A request that waits for its job holds next to nothing: least of all the pictures that it came with."""

import gc
import threading
import time

import pytest
from openai import OpenAIError
from rest_framework.request import Request

from jobs.watch import WATCH


@pytest.fixture
def waiting(openai_client, valkey):
    """A request that waits for a job which nobody does."""

    def ask():
        with pytest.raises(OpenAIError):
            openai_client.with_options(timeout=2, max_retries=0).images.generate(prompt="a red kite")

    thread = threading.Thread(target=ask)
    thread.start()
    while not WATCH.waiters:
        time.sleep(0.01)
    yield
    thread.join()


def test_its_body_is_let_go_of(waiting):
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, Request)] == []
