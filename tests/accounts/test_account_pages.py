"""Do the pages of accounts carry what pages must, for everybody who may see them?"""

import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.chores import forget_expired
from accounts.models import CacheEntry
from accounts.overview import described
from tenants.models import User
from tenants.sign_in import ATTEMPTS, TOO_OFTEN
from tests.accounts.acting import HORSE, add_app, sign_in

DOORS = [
    "sign-in",
    "sign-up",
    "sign-in/closed",
    "confirm-email",
    "confirm-email/x",
    "password-reset",
    "password-reset/sent",
]
DOORS += ["password-reset/done", "password-reset/x/y"]
OWN = ["", "confirm", "confirm/code", "email", "password", "recovery-codes", "recovery-codes/renew", "passkeys/add"]
OWN += ["authenticator/remove"]


def is_clean(answer) -> bool:
    """Return whether a page allows nothing inline and loads nothing from elsewhere."""
    assert answer.status_code == 200
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    return not re.search(r'(src|href|action)="(https?:)?//|<script>|<style| style="| on\w+="', answer.content.decode())


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("is_open", [True, False])
def test_every_door_is_one_of_our_pages(db, settings, door, is_open):
    settings.SIGN_UP = is_open
    assert is_clean(Client().get(f"/{door}"))


@pytest.mark.parametrize("page", OWN)
def test_every_page_of_the_account_is_one_of_ours(alice, page):
    add_app(alice.browser)
    assert is_clean(alice.browser.get(f"/account/{page}"))


@pytest.mark.parametrize("page", OWN)
def test_no_stranger_sees_an_account(db, page):
    assert Client().get(f"/account/{page}")["Location"].startswith("/sign-in")


def test_somebody_without_a_tenant_has_an_account_all_the_same(db):
    browser = Client()
    browser.force_login(User.objects.create_user("dora@example.com", HORSE))
    assert "dora@example.com" in browser.get("/account/").content.decode()


def test_guessing_the_password_before_something_that_matters_is_bounded_too(alice):
    for _ in range(ATTEMPTS):
        alice.browser.post("/account/confirm", {"password": "a guess"})
        cache.clear()  # a minute later
    assert TOO_OFTEN in alice.browser.post("/account/confirm", {"password": HORSE}).content.decode()


def test_what_bounds_attempts_is_seen_by_all_web_processes(alice):
    Client().post("/password-reset", {"email": "alice@example.com"})
    assert CacheEntry.objects.filter(cache_key__contains="reset_password").exists()


def test_what_has_run_out_is_forgotten_and_nothing_else(alice):
    ended, living = Client(), Client()
    for browser in (ended, living):
        sign_in(browser, "alice@example.com", HORSE)
    key = ended.session.session_key
    Session.objects.filter(session_key=key).update(expire_date=timezone.now() - timedelta(seconds=1))
    forget_expired()
    assert [each.session_key for each in UserSession.objects.all()] == [living.session.session_key]
    assert living.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)
def test_browsers_are_called_as_people_call_them(user_agent, name):
    assert described(user_agent) == name
