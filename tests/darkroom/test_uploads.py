"""Who may send more than a mebibyte? An operator to the page for LoRA files, and nobody else, nowhere else."""

import urllib.error
import urllib.request

import pytest
from django.conf import settings
from django.test import Client

from loras.models import Lora
from tests.shelf import lora_file

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
