"""Whoever may not come in any more hears nothing more: on open streams, in long waits and in archives."""

import asyncio
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils import timezone

from generation.intake.uploads import DECODING
from generation.models import GenerationJob
from jobs.watch import WATCH, Watch
from tenants.callers import Caller, check_again
from tenants.models import ApiKey, Membership, User
from tenants.services import revoke_key, suspend_tenant
from tenants.standing import Standing, refusals
from tests.generation.giving import given, plain
from tests.server import opened
from wire.errors import ApiError

ROUTE = "/api/v1/generations"
JSON = {"Content-Type": "application/json"}
PATIENCE = 5  # seconds of silence, long before a keep-alive


def expire_key(person):
    """Let the key's time be over."""
    ApiKey.objects.update(expires_at=timezone.now())


def suspend(person):
    """Refuse the whole tenant."""
    suspend_tenant(person.tenant)


def end_session(person):
    """Sign out, in another tab."""
    Session.objects.all().delete()


def remove_member(person):
    """Take them out of the tenant."""
    Membership.objects.filter(user=person.user).delete()


def close_account(person):
    """Let nobody sign in as them."""
    User.objects.filter(pk=person.user.pk).update(is_active=False)


def change_password(person):
    """End every session of theirs."""
    user = User.objects.get(pk=person.user.pk)
    user.set_password("battery staple")
    user.save()


@pytest.fixture
def job(alice, server, valkey):
    """A generation that nobody works at: nothing happens to it."""
    return alice.api.post(ROUTE, {"prompt": "a kite"}).json()["id"]


def told_until_shut_out(person, server, job, shut_out, headers=None):
    """Return what an idle stream says after this has happened to whoever listens."""
    stream = opened(person, server, job, headers=headers, patience=PATIENCE)
    assert b'"queued"' in stream.read1()
    shut_out(person)
    return stream.read()


@pytest.mark.parametrize(
    ("shut_out", "code"),
    [
        (lambda person: revoke_key(person.key), b"api_key_revoked"),
        (expire_key, b"api_key_expired"),
        (suspend, b"account_suspended"),
        (lambda person: ApiKey.objects.all().delete(), b"invalid_api_key"),
    ],
    ids=["revoked", "expired", "suspended", "deleted"],
)
def test_an_idle_stream_ends_with_its_key(alice, server, job, shut_out, code):
    assert code in told_until_shut_out(alice, server, job, shut_out)


@pytest.mark.parametrize("shut_out", [end_session, remove_member, close_account, change_password, suspend])
def test_an_idle_stream_of_the_dashboard_ends_with_its_session(alice, bob, server, job, shut_out):
    cookie = bob.browser.cookies["sessionid"].value
    rest = told_until_shut_out(bob, server, job, shut_out, {"Cookie": f"sessionid={cookie}"})
    assert (b"account_suspended" if shut_out is suspend else b"missing_api_key") in rest


def test_a_stream_of_another_key_goes_on(alice, bob, server, job):
    stream = opened(bob, server, job, patience=PATIENCE)
    told_until_shut_out(alice, server, job, lambda person: revoke_key(person.key))
    bob.api.post(f"{ROUTE}/{job}/cancel")
    assert b'"cancelled"' in stream.read()


def test_a_long_wait_ends_with_its_key(alice, server, valkey):
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {alice.secret}", "Prefer": "wait=60", **JSON}
    connection.request("POST", ROUTE, json.dumps({"prompt": "a kite"}), headers)
    while not WATCH.waiters:
        time.sleep(0.01)
    revoke_key(alice.key)
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["error"]["code"]) == (401, "api_key_revoked")
    assert GenerationJob.objects.get().status == "queued"  # it was accepted: revoking a key cancels no work


@pytest.mark.parametrize(
    ("shut_out", "code"),
    [
        (lambda person: revoke_key(person.key), "api_key_revoked"),
        (lambda person: suspend_tenant(person.tenant), "account_suspended"),
    ],
)
def test_a_picture_that_is_taken_in_slowly_is_for_nobody_who_was_shut_out_meanwhile(alice, server, shut_out, code):
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=PATIENCE)
    order = {"prompt": "a kite", "init_image": given(plain())}
    with DECODING:
        connection.request("POST", ROUTE, json.dumps(order), {"Authorization": f"Bearer {alice.secret}", **JSON})
        while not ApiKey.objects.exclude(last_used_at=None).exists():
            time.sleep(0.01)
        shut_out(alice)
    assert json.load(connection.getresponse())["error"]["code"] == code
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize("shut_out", [remove_member, close_account])
def test_a_member_who_was_shut_out_meanwhile_is_nobody(bob, shut_out):
    caller = Caller(bob.tenant, (), user=bob.user)
    check_again(caller)
    shut_out(bob)
    with pytest.raises(ApiError, match="Send your key"):
        check_again(caller)


def test_an_archive_breaks_off_with_its_key(alice):
    async def endless():
        while True:
            yield b"piece"
            await asyncio.sleep(0.01)

    async def fetch():
        async with asyncio.timeout(PATIENCE):
            async for _ in Watch().while_welcome(Standing(alice.tenant.pk, key_id=alice.key.pk), endless()):
                pass

    def revoke():
        revoke_key(alice.key)
        connections.close_all()

    threading.Timer(0.1, revoke).start()
    with pytest.raises(ApiError, match="revoked"):
        asyncio.run(fetch())


def test_one_look_asks_as_much_for_many_as_for_one(alice, bob, charlie, django_assert_num_queries):
    people = (alice, bob, charlie)
    keys = {Standing(each.tenant.pk, key_id=each.key.pk) for each in people}
    sessions = {
        Standing(each.tenant.pk, user_id=each.user.pk, session=each.browser.session.session_key,
                 password=each.user.password) for each in people
    }  # fmt: skip
    with django_assert_num_queries(3):
        assert refusals(keys | sessions) == {}
    with django_assert_num_queries(1):
        assert refusals({next(iter(keys))}) == {}
