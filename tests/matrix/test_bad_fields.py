"""What do the routes of keys, members, webhooks, quotes and usage refuse? Each by its field, and nothing changes."""

import json

import pytest
from django.core import serializers
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from generation.models import GenerationJob
from quotas.models import LedgerEntry, Quote
from tenants.models import ApiKey, AuditEvent, Invitation, Membership, Tenant
from webhooks.models import Endpoint, Message, Secret

KEPT = [ApiKey, AuditEvent, Endpoint, GenerationJob, Invitation, LedgerEntry, Membership, Message, Quote, Secret]
KEY = {"name": "x", "scopes": ["read"]}
HOOK = {"url": "https://93.184.216.34/hook"}
GUEST = {"email": "gina@example.com"}
KITE = {"prompt": "a kite", "size": "64x64"}
# method, path, a body that would pass
DOORS = [
    ("POST", "/api/v1/keys", KEY),
    ("PATCH", "/api/v1/keys/{key}", {"name": "y"}),
    ("POST", "/api/v1/keys/{key}/rotate", {}),
    ("PATCH", "/api/v1/members/{member}", {"role": "viewer"}),
    ("POST", "/api/v1/invitations", GUEST),
    ("POST", "/api/v1/webhooks", HOOK),
    ("PATCH", "/api/v1/webhooks/{webhook}", {"description": "y"}),
    ("POST", "/api/v1/quotes", KITE),
    ("POST", "/api/v1/generations", KITE),
]
BROKEN = [
    (b'{"a":', "invalid_json"),
    (b"null", "invalid_json_type"),
    (b"[1]", "invalid_json_type"),
    (b'"x"', "invalid_json_type"),
    (b"\xff\xfe", "invalid_encoding"),
    (b"[" * 100_000, "json_too_deep"),
    (b'{"a": 1, "a": 2}', "duplicate_parameter"),
    (b'{"tenant_id": 1}', "unknown_parameter"),
    (b'{"a": "\\u0000"}', "invalid_characters"),
    (b'{"\\ud800": 1}', "invalid_characters"),
    (b'{"a": NaN}', "invalid_number"),
    (b'{"a": ' + b"1" * 5000 + b"}", "invalid_json"),
]
YEAR_9999 = "9999-12-31T23:59:59Z"
FIELDS = [
    # the door, what is said, code, param
    (0, {"expires_at": YEAR_9999}, "invalid_value", "expires_at"),
    (0, {"expires_at": "0001-01-01T00:00:00+14:00"}, "invalid_value", "expires_at"),
    (0, {"expires_at": "2030-02-31T00:00:00Z"}, "invalid_value", "expires_at"),
    (0, {"expires_at": "2030-01-31"}, "invalid_value", "expires_at"),
    (0, {"expires_at": "2030-01-31T00:00:00"}, "invalid_value", "expires_at"),
    (0, {"expires_at": "\u0662\u0660\u0663\u0660-01-01T00:00:00Z"}, "invalid_value", "expires_at"),
    (0, {"requests_per_minute": 2**64}, "integer_above_max_value", "requests_per_minute"),
    (0, {"scopes": {"read": True}}, "invalid_type", "scopes"),
    (0, {"scopes": [["read"]]}, "invalid_type", "scopes[0]"),
    (0, {"loras": ["x"] * 1001}, "list_too_long", "loras"),
    (0, {"loras": ["x" * 100_000]}, "lora_not_found", "loras[0]"),
    (1, {"name": None}, "invalid_type", "name"),
    (1, {"scopes": ["manage"]}, "unknown_parameter", "scopes"),
    (2, {"overlap_seconds": -1}, "integer_below_min_value", "overlap_seconds"),
    (2, {"overlap_seconds": 10**400}, "integer_above_max_value", "overlap_seconds"),
    (2, {"overlap_seconds": "0"}, "invalid_type", "overlap_seconds"),
    (2, {"expires_at": YEAR_9999}, "invalid_value", "expires_at"),
    (3, {"role": "god"}, "invalid_value", "role"),
    (3, {"role": ["admin"]}, "invalid_type", "role"),
    (4, {"email": "nobody"}, "invalid_value", "email"),
    (4, {"email": "a@b.de\r\nBcc: c@d.de"}, "invalid_value", "email"),
    (4, {"email": "\u0130" * 248 + "@b.de"}, "invalid_value", "email"),  # which is longer in lower case
    (4, {"email": "a@" + ".".join(["\u0130" * 60] * 4) + ".de"}, "invalid_value", "email"),
    (4, {"email": "a" * 255}, "string_above_max_length", "email"),
    (4, {"role": None}, "invalid_type", "role"),
    (5, {"url": "https://93.184.216.34:0/"}, "invalid_webhook_url", "url"),
    (5, {"url": "https://[::1"}, "invalid_webhook_url", "url"),
    (5, {"url": "https://\u0130.com/"}, "invalid_webhook_url", "url"),
    (5, {"events": {}}, "invalid_type", "events"),
    (6, {"status": "broken"}, "invalid_value", "status"),
    (6, {"description": None}, "invalid_type", "description"),
    (7, {"finish_by": YEAR_9999}, "invalid_value", "finish_by"),
    (7, {"tier": "first"}, "invalid_value", "tier"),
    (7, {"n": 10**400}, "integer_above_max_value", "n"),
    (8, {"finish_by": "2000-01-01T00:00:00Z"}, "deadline_impossible", "finish_by"),
    (8, {"quote": "quo_" + "0" * 26}, "quote_expired", "quote"),
    (8, {"quote": "x" * 41}, "string_above_max_length", "quote"),
    (8, {"webhook": {"url": 5}}, "invalid_type", "webhook.url"),
    (8, {"webhook": {"url": HOOK["url"], "events": ["failed"]}}, "invalid_value", "webhook.events"),
]
QUERIES = [
    ("usage?from=x", "invalid_value", "from"),
    ("usage?from=%00", "invalid_value", "from"),
    ("usage?from=9999-12-31", "invalid_value", "from"),
    ("usage?from=0001-01-01&to=9999-12-31", "invalid_value", "from"),
    ("usage?by=tenant", "invalid_value", "by"),
    ("usage?format=xml", "invalid_value", "format"),
    ("audit?action=%00", "invalid_value", "action"),
    ("audit?actor=" + "x" * 300, "invalid_value", "actor"),
]


def kept():
    """Return all that a request could have changed."""
    return serializers.serialize("json", [row for model in KEPT for row in model.objects.order_by("pk")])


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


@pytest.fixture
def ask(alice, objects):
    """Ask at a door for what this body says."""

    def ask_at(door, body, content_type="application/json"):
        method, path, _ = door
        said = body if isinstance(body, bytes) else json.dumps(body).encode()
        return alice.api.generic(method, path.format(**objects), said, content_type=content_type)

    return ask_at


def test_no_door_takes_what_is_no_json_object(ask):
    before = kept()
    for door in DOORS:
        for body, code in BROKEN:
            assert (ask(door, body).status_code, ask(door, body).json()["error"]["code"]) == (400, code), (
                door,
                body[:30],
            )
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "x"):
            assert ask(door, door[2], kind).status_code == 415, (door, kind)
    assert kept() == before


@pytest.mark.parametrize(("door", "fields", "code", "param"), FIELDS, ids=lambda value: ascii(value)[:50])
def test_a_field_that_is_none_is_named(ask, door, fields, code, param):
    before = kept()
    assert refusal(ask(DOORS[door], DOORS[door][2] | fields)) == (404 if "not_found" in code else 400, code, param)
    assert kept() == before


@pytest.mark.parametrize(("query", "code", "param"), QUERIES, ids=lambda value: str(value)[:40])
def test_a_query_that_is_none_is_named(alice, query, code, param):
    assert refusal(alice.api.get(f"/api/v1/{query}")) == (400, code, param)


@pytest.mark.parametrize("days", ["from=9999-12-31&to=9999-12-31", "from=0001-01-01&to=0001-01-01"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_day_are_days_everywhere(alice, days, zone):
    Tenant.objects.update(time_zone=zone)
    assert alice.api.get(f"/api/v1/usage?{days}").status_code == 200
    assert alice.browser.get(f"/settings/usage?{days}").status_code == 200


ODD = st.sampled_from(
    [None, True, 0, -1, 2**63, 10**30, 1.5, "", " ", "x" * 300, "\u202e", "a\0b", "\ud800", YEAR_9999, "1e400", "../x"]
)
ANY = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
NAMES = ("name", "scopes", "expires_at", "overlap_seconds", "role", "email", "url", "events", "status", "prompt")
NAMES += ("size", "n", "tier", "finish_by", "webhook", "quote", "loras")


@seed(6)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    door=st.sampled_from(DOORS), said=st.dictionaries(st.sampled_from(NAMES), ANY, max_size=2), is_bare=st.booleans()
)
def test_whatever_is_said_is_done_or_refused_by_name(ask, door, said, is_bare):
    answer = ask(door, said if is_bare else door[2] | said)
    assert answer.status_code < 500
    assert answer.status_code < 400 or answer.json()["error"]["message"].endswith(".")
