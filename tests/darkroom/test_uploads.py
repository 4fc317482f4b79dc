"""Who may send more than a mebibyte? An operator to the page for LoRA files, and who may generate, with pictures."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest
from django.conf import settings
from django.test import Client

from darkroom.uploads import PICTURES_BYTES, most_bytes
from generation.models import Upload
from loras.models import Lora
from tenants.models import Scope
from tests.pictures import data_url, file_of, noise
from tests.shelf import lora_file
from wire.strict_json import MAX_BYTES

ADD = "/admin/loras/lora/add/"


@pytest.fixture
def large() -> bytes:
    """A LoRA file of two mebibytes."""
    return lora_file(1, rank=64, width=8192).read()


def send(server: str, browser: Client, path: str, content: bytes) -> int:
    """Send a form with this file over HTTP, and return the answer's status."""
    token = "x" * 32
    cookies = {each.key: each.value for each in browser.cookies.values()} | {settings.CSRF_COOKIE_NAME: token}
    parts = {"csrfmiddlewaretoken": ("", token.encode()), "file": ("; filename=kites.safetensors", content)}
    body = b"".join(
        f'--limit\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
        for name, (more, data) in parts.items()
    )
    headers = {
        "Content-Type": "multipart/form-data; boundary=limit",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    request = urllib.request.Request(server + path, body + b"--limit--\r\n", headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_an_operator_uploads_a_large_file(server, operator, checkpoint, large):
    assert send(server, operator, ADD, large) == 200
    assert Lora.objects.get().name == "kites"


@pytest.mark.parametrize("path", ["/admin/loras/checkpoint/add/", "/", "/api/v1/generations", f"{ADD}more"])
def test_an_operator_sends_no_more_elsewhere(server, operator, checkpoint, large, path):
    assert send(server, operator, path, large) == 413


def test_a_member_and_a_stranger_send_no_more_anywhere(server, alice, large):
    assert send(server, alice.browser, ADD, large) == 413
    assert send(server, Client(), ADD, large) == 413


@pytest.fixture
def large_picture() -> bytes:
    """A picture's file of some one and a half mebibytes."""
    return file_of(noise((700, 700)))


def send_picture(server: str, headers: dict[str, str], body: bytes, path: str = "/api/v1/uploads") -> int:
    """Send this over HTTP, and return the answer's status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(server + path, body, headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def by_key(person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.secret}"}


def test_a_member_sends_a_large_picture_in_a_form_and_in_json(server, alice, large_picture):
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="k.png"\r\n\r\n'
        + large_picture
        + b"\r\n--x--\r\n"
    )
    said = json.dumps({"data": data_url(large_picture)}).encode()
    multipart, plain = ({"Content-Type": kind} for kind in ("multipart/form-data; boundary=x", "application/json"))
    assert send_picture(server, by_key(alice) | multipart, form) == 201
    assert send_picture(server, by_key(alice) | plain, said) == 201
    assert Upload.objects.count() == 1


def test_a_stranger_sends_no_large_picture(server, alice, large_picture):
    body = json.dumps({"data": data_url(large_picture)}).encode()
    plain = {"Content-Type": "application/json"}
    assert send_picture(server, plain, body) == 413
    assert send_picture(server, plain | {"Authorization": "Bearer sdx_live_none"}, body) == 413
    assert send_picture(server, plain | by_key(alice), body, "/api/v1/images") == 413


PICTURE_ROUTES = [
    "/api/v1/uploads", "/api/v1/uploads/", "/api/v1/generations", "/api/v1/batches", "/api/v1/sweeps",
    "/v1/images/generations", "/v1/images/edits", "/v1/images/variations",
    "/", "/start", "/controls", "/loras", "/settings",
]  # fmt: skip
OTHERS = [
    "/history",
    "/start/",
    "/api/v1/images",
    "/api/v1/uploads/x",
    "/v1/images",
    "/x/api/v1/uploads",
    "/admin/login/",
]


def most(path: str, method: str = "POST", length: int | None = None, **headers: str) -> int:
    """Return how large a body may be."""
    said = headers | ({} if length is None else {"content-length": str(length)})
    raw = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    return asyncio.run(
        most_bytes({"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw})
    )


@pytest.mark.parametrize("path", PICTURE_ROUTES)
def test_who_may_generate_may_send_pictures_where_they_are_taken(alice, path):
    assert most(path, **by_key(alice)) == PICTURES_BYTES
    assert most(path, Cookie=f"sessionid={alice.browser.cookies['sessionid'].value}") == PICTURES_BYTES
    assert most(path) == MAX_BYTES


@pytest.mark.parametrize("path", OTHERS)
def test_elsewhere_nobody_may(alice, path):
    assert most(path, **by_key(alice)) == MAX_BYTES


def test_a_key_that_may_not_generate_sends_no_more(alice):
    alice.tenant.apikey_set.update(scopes=[Scope.READ])
    assert most("/api/v1/uploads", **by_key(alice)) == MAX_BYTES


def test_a_small_body_asks_nobody(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert most("/api/v1/uploads", length=MAX_BYTES, **by_key(alice)) == MAX_BYTES
        assert most("/api/v1/generations", "GET", **by_key(alice)) == MAX_BYTES


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, str(MAX_BYTES + 1)])
def test_a_length_that_is_none_asks_who_it_is(alice, length):
    assert most("/api/v1/uploads", **by_key(alice), **{"Content-Length": length}) == PICTURES_BYTES
