"""How do tests reach Darkroom over HTTP? Through a real uvicorn on a free port, in a thread beside the test."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from darkroom.asgi import application


@pytest.fixture(scope="session")
def asgi_server() -> Iterator[str]:
    """Serve the ASGI application for the whole session; yields its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # now, so that a test faster than the thread is kept waiting and not refused
    # A test that fails may leave a stream open, whose job nobody will ever end.
    config = uvicorn.Config(application, log_level="warning", lifespan="off", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def server(asgi_server: str, settings: Any, transactional_db: None) -> str:
    """Return the address under which this test's Darkroom answers, and builds its links."""
    settings.PUBLIC_URL = asgi_server
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    return asgi_server


def opened(
    person: Any, server: str, job_id: str, *, headers: dict[str, str] | None = None, patience: float = 30
) -> http.client.HTTPResponse:
    """Open a job's stream over HTTP, past its first line: with the person's key, unless the headers say otherwise. It
    may be silent for `patience` seconds."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=patience)
    route = f"/api/v1/generations/{job_id}/events"
    connection.request("GET", route, headers=headers or {"Authorization": f"Bearer {person.secret}"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.readline() + answer.readline() == b"retry: 2000\n\n"
    return answer


@pytest.fixture
def watch(server: str) -> Callable[[Any, str], list[tuple[str, Any]]]:
    """Open a job's stream and return its (event, data) pairs until it ends."""

    def read(person: Any, job_id: str) -> list[tuple[str, Any]]:
        blocks = opened(person, server, job_id).read().decode().split("\n\n")
        fields = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
        return [(each["event"], json.loads(each["data"])) for each in fields if "event" in each]

    return read
