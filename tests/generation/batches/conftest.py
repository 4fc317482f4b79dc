"""What do the tests of batches need besides the cast?"""

import http.client
import io
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

BATCHES, SWEEPS = "/api/v1/batches", "/api/v1/sweeps"
SMALL = {"prompt": "a red kite", "size": "64x64", "steps": 1}


@pytest.fixture
def make_batch(run_jobs: Callable[[], None]) -> Callable[..., dict[str, Any]]:
    """Ask for a batch of these specs as this person, let it be drawn, and return it as JSON."""

    def make(person: Any, *specs: dict[str, Any]) -> dict[str, Any]:
        answer = person.api.post(BATCHES, {"specs": list(specs), "defaults": SMALL})
        assert answer.status_code == 202, answer.content
        run_jobs()
        return person.api.get(answer.json()["urls"]["self"]).json()

    return make


@pytest.fixture
def ask(server: str) -> Callable[[Any, str], http.client.HTTPResponse]:
    """Ask for an address as this person over HTTP, reading nothing of the answer."""

    def get(person: Any, address: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
        connection.request("GET", urlsplit(address).path, headers={"Authorization": f"Bearer {person.secret}"})
        return connection.getresponse()

    return get


@pytest.fixture
def unzip(ask: Callable[[Any, str], http.client.HTTPResponse]) -> Callable[[Any, str], zipfile.ZipFile]:
    """Download an archive as this person and open it; every checksum in it is right."""

    def download(person: Any, address: str) -> zipfile.ZipFile:
        answer = ask(person, address)
        content = answer.read()
        assert answer.status == 200, content
        opened = zipfile.ZipFile(io.BytesIO(content))
        assert opened.testzip() is None
        return opened

    return download
