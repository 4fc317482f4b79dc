"""A tenant's keys over the API: made, limited, changed, rotated, revoked."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tenants import keys
from tenants.models import ApiKey, AuditEvent, Membership
from tenants.services import issue_key
from tests.conftest import Api

ROUTE = "/api/v1/keys"
READER = {"name": "a reader", "scopes": ["read"]}


def refusal(answer):
    """Return status, code and field."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def made(person, **fields):
    """Make a key and return what the answer says of it."""
    answer = person.api.post(ROUTE, READER | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def manager(person, scopes=("read", "manage")):
    """Return a program of the person's that may manage, and has no further scope."""
    _, secret = issue_key(person.tenant, "manager", scopes=list(scopes))
    return Api(secret)


def test_a_new_key_opens_the_door_and_is_shown_once(alice):
    key = made(alice, expires_at="2099-01-01T00:00:00Z", requests_per_minute=30)
    assert Api(key["secret"]).get("/api/v1/generations").status_code == 200
    shown = alice.api.get(f"{ROUTE}/{key['id']}").json()
    assert key["secret"].startswith(shown["prefix"])
    assert "secret" not in shown
    assert (shown["status"], shown["requests_per_minute"], shown["scopes"]) == ("active", 30, ["read"])
    assert not any(key["secret"] in str(row) for row in ApiKey.objects.values())


def test_a_key_made_in_the_dashboard_knows_its_maker(alice):
    answer = alice.browser.post(ROUTE, READER, content_type="application/json")
    assert answer.json()["created_by"] == "alice@example.com"


def test_keys_are_listed_newest_first_with_as_many_queries_for_many(alice, django_assert_num_queries):
    names = [made(alice, name=f"key {number}")["name"] for number in range(3)]
    with django_assert_num_queries(2):  # whose key is this, and the page
        page = alice.api.get(f"{ROUTE}?limit=3").json()
    assert [key["name"] for key in page["data"]] == names[::-1]
    rest = alice.api.get(f"{ROUTE}?after={page['last_id']}").json()
    assert ([key["name"] for key in rest["data"]], rest["has_more"]) == (["alice's program"], False)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"name": ""}, "empty_string", "name"),
        ({"name": "x" * 101}, "string_above_max_length", "name"),
        ({"name": 5}, "invalid_type", "name"),
        ({"scopes": []}, "empty_list", "scopes"),
        ({"scopes": "read"}, "invalid_type", "scopes"),
        ({"scopes": ["read", "everything"]}, "invalid_value", "scopes[1]"),
        ({"scopes": ["read", "read"]}, "invalid_value", "scopes[1]"),
        ({"scopes": [7]}, "invalid_type", "scopes[0]"),
        ({"expires_at": "soon"}, "invalid_value", "expires_at"),
        ({"expires_at": 4102444800}, "invalid_type", "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "invalid_value", "expires_at"),
        ({"requests_per_minute": 0}, "integer_below_min_value", "requests_per_minute"),
        ({"requests_per_minute": 10**400}, "integer_above_max_value", "requests_per_minute"),
        ({"checkpoints": []}, "empty_list", "checkpoints"),
        ({"checkpoints": ["ckpt_none"]}, "model_not_found", "checkpoints[0]"),
        ({"loras": ["lora_none"]}, "lora_not_found", "loras[0]"),
        ({"is_admin": True}, "unknown_parameter", "is_admin"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_field_is_named(alice, fields, code, param):
    assert refusal(alice.api.post(ROUTE, READER | fields))[1:] == (code, param)
    assert ApiKey.objects.count() == 1


def test_a_key_cannot_make_one_that_may_do_more(alice):
    api = manager(alice)
    assert refusal(api.post(ROUTE, READER | {"scopes": ["read", "generate"]})) == (403, "insufficient_scope", "scopes")
    assert refusal(api.post(f"{ROUTE}/{alice.key.pk}/rotate")) == (403, "insufficient_scope", "scopes")
    assert api.post(ROUTE, READER | {"scopes": ["read", "manage"]}).status_code == 201


def test_a_limited_key_cannot_make_an_unlimited_one(alice, shelve):
    lora = shelve("kites").lora
    key = made(alice, scopes=["read", "manage"], loras=[lora.pk])
    limited = Api(key["secret"])
    assert refusal(limited.post(ROUTE, READER)) == (403, "model_not_allowed", "loras")
    assert refusal(limited.patch(f"{ROUTE}/{key['id']}", {"loras": None}, content_type="application/json"))[0] == 403
    assert refusal(limited.post(f"{ROUTE}/{alice.key.pk}/rotate"))[0] == 403
    assert limited.post(ROUTE, READER | {"loras": [lora.pk]}).status_code == 201


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_only_owners_and_admins_manage_keys(bob, role):
    Membership.objects.filter(user=bob.user).update(role=role)
    assert bob.browser.get(ROUTE).status_code == 403
    assert bob.browser.post(ROUTE, READER, content_type="application/json").status_code == 403
    assert bob.browser.get("/settings/keys").status_code == 403


def test_another_tenants_key_looks_like_none(alice, charlie):
    missing = "key_" + "0" * 26
    for method, path, body in [
        ("get", "", None),
        ("patch", "", {"name": "mine"}),
        ("delete", "", None),
        ("post", "/rotate", {}),
    ]:
        extra = {"content_type": "application/json"} if method == "patch" else {}
        foreign, none = (
            getattr(charlie.api, method)(f"{ROUTE}/{key_id}{path}", body, **extra) for key_id in (alice.key.pk, missing)
        )
        assert (foreign.status_code, foreign.content) == (404, none.content)
    assert ApiKey.objects.get(pk=alice.key.pk).name == "alice's program"


def test_a_key_is_changed(alice):
    key = made(alice, expires_at="2099-01-01T00:00:00Z")
    changes = {"name": "the shop", "expires_at": None, "requests_per_minute": 5}
    answer = alice.api.patch(f"{ROUTE}/{key['id']}", changes, content_type="application/json").json()
    assert {name: answer[name] for name in changes} == changes
    assert answer["scopes"] == ["read"]


def test_a_keys_scopes_stay(alice):
    answer = alice.api.patch(f"{ROUTE}/{alice.key.pk}", {"scopes": ["read"]}, content_type="application/json")
    assert refusal(answer) == (400, "unknown_parameter", "scopes")


def test_a_rotated_key_goes_on_for_the_overlap(alice):
    old = made(alice, requests_per_minute=9)
    new = alice.api.post(f"{ROUTE}/{old['id']}/rotate", {"overlap_seconds": 60}).json()
    same = ("name", "scopes", "requests_per_minute", "checkpoints", "loras", "expires_at")
    assert [new[name] for name in same] == [old[name] for name in same]
    assert new["replaces"] == old["id"]
    assert all(Api(key["secret"]).get("/api/v1/generations").status_code == 200 for key in (old, new))
    left = parse_datetime(alice.api.get(f"{ROUTE}/{old['id']}").json()["expires_at"]) - timezone.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


def test_a_rotated_key_never_lives_longer_than_it_was_to(alice):
    soon = timezone.now() + timedelta(minutes=1)
    old = made(alice, expires_at=soon.isoformat())
    new = alice.api.post(f"{ROUTE}/{old['id']}/rotate").json()
    assert ApiKey.objects.get(pk=old["id"]).expires_at == soon
    assert timedelta(seconds=50) < parse_datetime(new["expires_at"]) - timezone.now() <= timedelta(minutes=1)


def test_without_overlap_the_old_key_ends_at_once(alice):
    old = made(alice)
    alice.api.post(f"{ROUTE}/{old['id']}/rotate", {"overlap_seconds": 0})
    assert refusal(Api(old["secret"]).get("/api/v1/generations"))[:2] == (401, "api_key_expired")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"overlap_seconds": 7 * 86_400 + 1}, "overlap_seconds"),
        ({"overlap_seconds": -1}, "overlap_seconds"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_a_bad_rotation_changes_nothing(alice, fields, param):
    assert refusal(alice.api.post(f"{ROUTE}/{alice.key.pk}/rotate", fields))[::2] == (400, param)
    assert ApiKey.objects.get().expires_at is None


def test_a_key_that_has_ended_is_neither_rotated_nor_changed(alice):
    key = made(alice)
    assert alice.api.delete(f"{ROUTE}/{key['id']}").status_code == 204
    assert alice.api.delete(f"{ROUTE}/{key['id']}").status_code == 204  # said twice, done once
    assert refusal(alice.api.post(f"{ROUTE}/{key['id']}/rotate"))[:2] == (409, "key_not_active")
    changed = alice.api.patch(f"{ROUTE}/{key['id']}", {"name": "x"}, content_type="application/json")
    assert refusal(changed)[:2] == (409, "key_not_active")
    assert AuditEvent.objects.filter(action="key.revoked").count() == 1


def test_of_many_who_rotate_a_key_at_once_one_succeeds(alice):
    statuses = []

    def rotate():
        statuses.append(Api(alice.secret).post(f"{ROUTE}/{alice.key.pk}/rotate").status_code)
        connections.close_all()

    threads = [threading.Thread(target=rotate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 5
    assert ApiKey.objects.filter(replaces=alice.key).count() == 1


def test_every_act_is_in_the_audit_and_no_secret_is(alice):
    key = made(alice)
    new = alice.api.post(f"{ROUTE}/{key['id']}/rotate").json()
    alice.api.patch(f"{ROUTE}/{new['id']}", {"name": "x"}, content_type="application/json")
    alice.api.delete(f"{ROUTE}/{new['id']}")
    told = list(AuditEvent.objects.for_tenant(alice.tenant).order_by("number"))
    acts = ["key.issued", "key.rotated", "key.changed", "key.revoked"]
    assert [(event.action, event.actor, event.address) for event in told] == [
        (act, alice.key.pk, "127.0.0.1") for act in acts
    ]
    assert not any(
        keys.digest(key["secret"]) in str(vars(event)) or key["secret"] in str(vars(event)) for event in told
    )
