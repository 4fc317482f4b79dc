"""What people do at the doors, and what their authenticator apps show."""

import base64
import hashlib
import hmac
import re
import struct
import time
from urllib.parse import urlsplit

from django.test import Client

PASSWORD = "a lamp in the dark"
HORSE = "correct horse"  # the cast's


def sign_up(browser: Client, email: str, password: str = PASSWORD):
    """Return what the sign-up page answers."""
    return browser.post("/sign-up", {"email": email, "password1": password})


def sign_in(browser: Client, email: str, password: str = PASSWORD, **more: str):
    """Return what the sign-in page answers."""
    return browser.post("/sign-in", {"login": email, "password": password} | more)


def link_in(mail) -> str:
    """Return the path of the only link that begins a line of its own."""
    (link,) = re.findall(r"^(http://localhost:8000/\S+)$", mail.body, re.MULTILINE)
    return urlsplit(link).path


def confirm_it_is_me(browser: Client, password: str = HORSE) -> None:
    """Type the password again, before something that matters."""
    assert browser.post("/account/confirm", {"password": password}).status_code == 302


def code_of(secret: str) -> str:
    """Return what an authenticator app shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def add_app(browser: Client) -> str:
    """Add an authenticator app and return the secret that it holds."""
    confirm_it_is_me(browser)
    page = browser.get("/account/authenticator").content.decode()
    (secret,) = re.findall(r'id="secret">(\w+)<', page)
    assert browser.post("/account/authenticator", {"code": code_of(secret)}).status_code == 302
    return secret


def recovery_codes(browser: Client) -> list[str]:
    """Return the codes that are left, as the account's owner reads them."""
    confirm_it_is_me(browser)
    return re.findall(r"\d{8}", browser.get("/account/recovery-codes.txt").content.decode())
