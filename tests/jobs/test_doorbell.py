"""The doorbell on a real store: a ring wakes a worker, tickets hold nothing, and a dead store loses nothing."""

import pytest
from redis import RedisError

from darkroom.up.store import free_port
from jobs import doorbell
from jobs.doorbell import BELL, listen, ring

ROUTE = "/api/v1/generations"


def test_accepting_a_job_rings_once_its_row_is_committed(alice, valkey):
    alice.api.post(ROUTE, {"prompt": "a kite"})
    assert valkey.llen("rq:queue:wake") == 1


def test_a_ticket_says_nothing_but_look(alice, valkey):
    alice.api.post(ROUTE, {"prompt": "a secret kite"})
    held = [valkey.dump(key) for key in valkey.keys()]
    assert held
    assert not any(b"secret" in value or b"gen_" in value or b"pickle" in value for value in held)


def test_a_ring_reaches_the_listening_worker(valkey):
    listen("listening-test")
    ring()
    assert BELL.rung.wait(30)
    BELL.idle.set()


def test_a_dead_store_does_not_stop_accepting(alice, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    doorbell._queue.cache_clear()
    with pytest.raises(RedisError):
        doorbell._queue().connection.ping()
    assert alice.api.post(ROUTE, {"prompt": "a kite"}).status_code == 202
    doorbell._queue.cache_clear()


def test_the_queue_is_json_not_pickle():
    assert doorbell._queue().serializer.__name__ == "JSONSerializer"
