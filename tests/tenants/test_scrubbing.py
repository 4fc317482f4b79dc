"""Keys never stand in logs, and scanners find them elsewhere."""

import io
import logging
import random
import re
import tomllib
from logging.config import DictConfigurator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tenants import keys
from tests.conftest import Api

RULE = tomllib.loads(Path(settings.ROOT / "platform" / "tenants" / "gitleaks.toml").read_text())["rules"][0]


@pytest.fixture
def log():
    """All that the server writes down, as it writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    line = DictConfigurator(settings.LOGGING).configure_formatter(dict(settings.LOGGING["formatters"]["line"]))
    handler.setFormatter(line)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_key_in_any_place_of_a_request_is_not_logged(alice, log):
    key = alice.secret
    names = ("Authorization", "X-Api-Key", "Cookie", "User-Agent", "Referer", "Prefer", "X-Forwarded-For")
    stranger = Client(headers=dict.fromkeys(names, key), raise_request_exception=False)
    for client in (alice.api, stranger):
        client.get(f"/api/v1/{key}")
        client.get("/api/v1/generations", {"api_key": key, "after": key})
        client.get(f"/files/{key}.png")
        said = {"prompt": key, key: key, "loras": [{"name": key}]}
        Client.post(client, "/api/v1/generations", said, content_type="application/json")
        client.post("/sign-in", {"username": f"{key}@example.com", "password": key})
    assert f"{alice.key.prefix}…" in log.getvalue()  # the paths were logged
    assert key not in log.getvalue()
    assert key[len(alice.key.prefix) :] not in log.getvalue()


def test_a_key_in_a_traceback_is_not_logged(log):
    key = keys.mint()
    try:
        raise ValueError(f"what is {key}?")
    except ValueError:
        logging.getLogger("tests").exception("cannot read %s", key)
    assert "what is sdx_live_" in log.getvalue()
    assert key not in log.getvalue()


def test_the_scanners_rule_finds_every_key(alice):
    assert all(re.search(RULE["regex"], f'api_key = "{keys.mint()}"') for _ in range(100))
    assert all(word in alice.secret for word in RULE["keywords"])


def test_what_only_looks_like_a_key_is_told_apart_offline():
    random.seed(1)
    guesses = (keys.PREFIX + "".join(random.choices(keys.ALPHABET, k=36)) for _ in range(10_000))
    assert not any(map(keys.is_well_formed, guesses))


def test_ten_thousand_malformed_keys_cost_no_query(alice, django_assert_num_queries):
    guesses = [keys.mint()[:-1] + "_" for _ in range(20)] + [keys.mint()[::-1] for _ in range(20)]
    with django_assert_num_queries(0):  # each of them, so ten thousand as well
        answers = [Api(guess).get("/api/v1/generations") for guess in guesses]
    assert {answer.status_code for answer in answers} == {401}
