"""How is a setting read from the environment? Typed, once, and a wrong value stops the start with a sentence."""

import os
import re
import secrets
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from wire.failpoints import Break, Point, parsed

# Of each scheme: its port, TLS from the first byte, TLS after a STARTTLS.
MAIL_SCHEMES = {"smtps": (465, True, False), "smtp": (587, False, True), "smtp+plain": (25, False, False)}


@dataclass(frozen=True)
class MailServer:
    """Who takes our mail."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    starttls: bool


def text(name: str, default: str = "") -> str:
    """Return the variable's text; an empty variable counts as absent."""
    return os.environ.get(name, "").strip() or default


def number(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    """Return a whole number within its bounds."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name}={value!r} must be a whole number from {low} to {high}.")
    return int(value)


def flag(name: str, default: bool) -> bool:
    """Return a yes or no."""
    value = text(name, str(default)).lower()
    if value not in ("true", "false", "1", "0", "yes", "no"):
        raise ImproperlyConfigured(f"{name}={value!r} must be true or false.")
    return value in ("true", "1", "yes")


def one_of(name: str, *allowed: str) -> str | None:
    """Return one of the allowed words, None for an absent variable."""
    value = text(name)
    if value and value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} must be one of: {', '.join(allowed)}.")
    return value or None


def gigabytes(name: str) -> int | None:
    """Return a number of gigabytes in bytes, None for an absent variable."""
    value = text(name)
    try:
        size = float(value or 0)
    except ValueError:
        size = -1
    if value and not 0 < size < 10_000:
        raise ImproperlyConfigured(f"{name}={value!r} must be a number of gigabytes, for example 22.5.")
    return int(size * 1e9) if value else None


def price(name: str, default: str) -> tuple[Decimal, str]:
    """Return an amount and its currency, for example 0.04 USD."""
    value = text(name, default)
    amount, _, currency = value.partition(" ")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", amount) or not re.fullmatch(r"[A-Z]{3}|", currency):
        raise ImproperlyConfigured(f"{name}={value!r} must be a price like 0.04 USD, or 0.")
    return Decimal(amount), currency


def names(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def failpoints(name: str) -> dict[Point, Break]:
    """Return where processes are to break; an absent variable means nowhere."""
    try:
        return parsed(text(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def mail_server(name: str) -> MailServer | None:
    """Return a mail server, None for an absent variable. A wrong value is not quoted: it may hold a password."""
    value = text(name)
    if not value:
        return None
    wrong = ImproperlyConfigured(
        f"{name} must look like smtp://user:password@mail.example.com:587 (STARTTLS), smtps://… (TLS) or "
        "smtp+plain://… (neither); special characters of user and password are written as %40."
    )
    try:
        url = urlsplit(value)
        port, tls, starttls = MAIL_SCHEMES[url.scheme]
        port = url.port or port
    except (KeyError, ValueError):
        raise wrong from None
    if not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise wrong
    return MailServer(url.hostname, port, unquote(url.username or ""), unquote(url.password or ""), tls, starttls)


def kept_secret(name: str, file: Path) -> str:
    """Return the variable, or a random secret made once and kept in a file that only its owner may read."""
    if value := text(name):
        return value
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(48))
    return file.read_text().strip()
