"""A wrong setting stops the start with a sentence that names it."""

from dataclasses import astuple
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from darkroom import env


@pytest.mark.parametrize("nonsense", ["abc", "-1", "1.5", "0", "70000", "٣", "1e3"])
def test_a_number_that_is_none_is_refused(monkeypatch, nonsense):
    monkeypatch.setenv("PORT", nonsense)
    with pytest.raises(ImproperlyConfigured, match="PORT="):
        env.number("PORT", 8000, low=1, high=65535)


@pytest.mark.parametrize("nonsense", ["maybe", "2", "tru"])
def test_a_flag_that_is_none_is_refused(monkeypatch, nonsense):
    monkeypatch.setenv("DEBUG", nonsense)
    with pytest.raises(ImproperlyConfigured, match="DEBUG="):
        env.flag("DEBUG", False)


def test_an_empty_variable_means_the_default(monkeypatch):
    monkeypatch.setenv("PORT", "  ")
    assert env.number("PORT", 8000, low=1, high=65535) == 8000


def test_names_lose_their_blanks(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", " a.example , ,b.example")
    assert env.names("ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_a_kept_secret_stays_and_is_for_its_owner_alone(tmp_path: Path):
    file = tmp_path / "new" / "secret"
    secret = env.kept_secret("NO_SUCH_VARIABLE", file)
    assert len(secret) >= 48
    assert env.kept_secret("NO_SUCH_VARIABLE", file) == secret
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("nonsense", ["cheap", "-1 USD", "0.04 usd", "0,04", "1 2 USD", "1e9"])
def test_a_price_that_is_none_is_refused(monkeypatch, nonsense):
    monkeypatch.setenv("DARKROOM_CLOUD_PRICE", nonsense)
    with pytest.raises(ImproperlyConfigured, match="DARKROOM_CLOUD_PRICE="):
        env.price("DARKROOM_CLOUD_PRICE", "0.04 USD")


@pytest.mark.parametrize(("said", "price"), [("0", (0, "")), ("0.04 USD", (Decimal("0.04"), "USD"))])
def test_a_price_is_an_amount_and_a_currency(monkeypatch, said, price):
    monkeypatch.setenv("DARKROOM_CLOUD_PRICE", said)
    assert env.price("DARKROOM_CLOUD_PRICE", "0.10 EUR") == price


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "", "", False, True)),
        ("smtps://dora:p%40ss@mail.example.com", ("mail.example.com", 465, "dora", "p@ss", True, False)),
        ("smtp+plain://127.0.0.1:1025", ("127.0.0.1", 1025, "", "", False, False)),
    ],
)
def test_a_mail_server_is_one_url(monkeypatch, url, expected):
    monkeypatch.setenv("MAIL_URL", url)
    assert astuple(env.mail_server("MAIL_URL")) == expected


@pytest.mark.parametrize(
    "nonsense",
    [
        "mail.example.com",
        "http://mail",
        "smtp://",
        "smtp://u:secret@mail:port",
        "smtp://mail/path",
        "smtp://mail?tls=1",
    ],
)
def test_a_mail_server_that_is_none_is_refused_and_its_password_not_told(monkeypatch, nonsense):
    monkeypatch.setenv("MAIL_URL", nonsense)
    with pytest.raises(ImproperlyConfigured, match="MAIL_URL must look like") as refused:
        env.mail_server("MAIL_URL")
    assert "secret" not in str(refused.value)


def test_no_mail_server_is_none(monkeypatch):
    monkeypatch.delenv("MAIL_URL", raising=False)
    assert env.mail_server("MAIL_URL") is None
