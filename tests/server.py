"""How do tests reach Darkroom over HTTP? Through a real uvicorn on a free port, in a thread beside the test."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from darkroom.asgi import application


@pytest.fixture(scope="session")
def asgi_server() -> Iterator[str]:
    """Serve the ASGI application for the whole session; yields its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # now, so that a test faster than the thread is kept waiting and not refused
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
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
