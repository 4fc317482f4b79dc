"""A store that one can do without holds nobody up: a silence costs one bounded try in some seconds."""

import socket
import time

import pytest
from redis import ConnectionError as NobodyThere

from darkroom.up.store import free_port
from wire.optional_store import REST_SECONDS, OptionalStore


@pytest.fixture
def store():
    """A store where nobody listens."""
    return OptionalStore(f"redis://127.0.0.1:{free_port()}/0", for_what="looks", seconds=0.2)


class Question:
    """Something asked, which is answered or not."""

    def __init__(self, error=None):
        self.asked, self.error = 0, error

    def __call__(self):
        self.asked += 1
        if self.error:
            raise self.error
        return "yes"


def test_after_a_silence_it_is_left_alone(store):
    question = Question(NobodyThere())
    assert [store.ask(question) for _ in range(100)] == [None] * 100
    assert (question.asked, store.rests) == (1, True)


def test_after_a_rest_one_tries_and_the_others_go_on_without(store):
    store.rests_until = time.monotonic() - 1
    meanwhile = Question()

    def trying():
        assert store.ask(meanwhile) is None
        return "yes"

    assert store.ask(trying) == "yes"
    assert (meanwhile.asked, store.ask(meanwhile)) == (0, "yes")


def test_a_store_that_is_silent_still_rests_as_long_again(store):
    store.rests_until = time.monotonic() - 1
    store.ask(Question(NobodyThere()))
    assert store.rests_until > time.monotonic() + REST_SECONDS - 1


def test_a_store_that_takes_calls_and_says_nothing_costs_a_moment():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        store = OptionalStore(f"redis://127.0.0.1:{mute.getsockname()[1]}/0", for_what="looks", seconds=0.2)
        started = time.monotonic()
        assert store.ask(lambda: store.client.get("a")) is None
    assert time.monotonic() - started < 1
