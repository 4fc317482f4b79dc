"""Who has a second factor needs it, and nobody comes in without it by another door."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from tenants.models import User
from tests.accounts.acting import HORSE, add_app, code_of, confirm_it_is_me, recovery_codes, sign_in

ALICE = "alice@example.com"


@pytest.fixture
def secret(alice) -> str:
    """Alice has an authenticator app: what it holds."""
    return add_app(alice.browser)


@pytest.fixture
def at_the_second_door(secret) -> Client:
    """A browser in which alice's password was right."""
    browser = Client()
    assert sign_in(browser, ALICE, HORSE, next="/history")["Location"] == "/sign-in/code"
    return browser


def test_the_password_alone_opens_nothing(at_the_second_door):
    assert at_the_second_door.get("/history")["Location"] == "/sign-in?next=/history"
    assert at_the_second_door.get("/account/").status_code == 302


def test_a_code_opens_and_leads_on(at_the_second_door, secret):
    answer = at_the_second_door.post("/sign-in/code", {"code": code_of(secret)})
    assert answer["Location"] == "/history"
    assert at_the_second_door.get("/history").status_code == 200


def test_a_code_is_good_once(at_the_second_door, secret):
    at_the_second_door.post("/sign-in/code", {"code": code_of(secret)})
    thief = Client()
    sign_in(thief, ALICE, HORSE)
    assert "That was not accepted." in thief.post("/sign-in/code", {"code": code_of(secret)}).content.decode()


def test_a_recovery_code_opens_once(alice, at_the_second_door):
    code, *others = recovery_codes(alice.browser)
    assert len(others) == 9
    assert at_the_second_door.post("/sign-in/code", {"code": code})["Location"] == "/history"
    again = Client()
    sign_in(again, ALICE, HORSE)
    assert "That was not accepted." in again.post("/sign-in/code", {"code": code}).content.decode()


def test_codes_cannot_be_guessed_for_long(at_the_second_door, secret):
    for _ in range(5):
        at_the_second_door.post("/sign-in/code", {"code": "000000"})
    page = at_the_second_door.post("/sign-in/code", {"code": code_of(secret)}).content.decode()
    assert "Wait five minutes" in page
    cache.clear()  # five minutes later
    assert at_the_second_door.post("/sign-in/code", {"code": code_of(secret)}).status_code == 302


def test_the_operators_console_asks_for_it_too(at_the_second_door, alice, secret):
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    form = {"username": ALICE, "password": HORSE, "login": ALICE}
    assert browser.post("/admin/login/?next=/admin/", form)["Location"] == "/sign-in?next=/admin/"
    assert browser.get("/admin/").status_code == 302
    sign_in(browser, ALICE, HORSE, next="/admin/")
    assert browser.get("/admin/").status_code == 302
    assert browser.post("/sign-in/code", {"code": code_of(secret)})["Location"] == "/admin/"


def test_a_member_at_the_operators_door_is_told_not_sent_in_circles(alice):
    assert alice.browser.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize(
    "page", ["authenticator", "recovery-codes", "recovery-codes.txt", "recovery-codes/renew", "passkeys/add"]
)
def test_what_matters_asks_who_it_is_first(alice, secret, page):
    browser = Client()
    browser.force_login(alice.user)
    assert browser.get(f"/account/{page}")["Location"].startswith("/account/confirm?next=")
    assert browser.post(f"/account/{page}", {"code": "1"}).status_code in (302, 405)
    assert Authenticator.objects.count() == 2


def test_removing_the_app_asks_first_and_takes_the_codes_along(alice, secret):
    cold = Client()
    cold.force_login(alice.user)
    cold.post("/account/authenticator/remove")
    assert Authenticator.objects.count() == 2
    alice.browser.post("/account/authenticator/remove")
    assert not Authenticator.objects.exists()
    assert sign_in(Client(), ALICE, HORSE)["Location"] == "/"


def test_new_codes_end_the_old_ones(alice, secret):
    old = recovery_codes(alice.browser)
    alice.browser.post("/account/recovery-codes/renew")
    assert not set(old) & set(recovery_codes(alice.browser))


def test_the_qr_code_is_part_of_the_page_and_names_us(alice):
    confirm_it_is_me(alice.browser)
    answer = alice.browser.get("/account/authenticator")
    assert re.search(r'<div class="qr"><svg [^>]*viewBox', answer.content.decode())
    assert "issuer=Darkroom" in answer.context["totp_url"]


def test_an_operator_helps_whoever_lost_both(operator, alice, secret):
    form = {"action": "remove_second_factors", "_selected_action": [alice.user.pk]}
    assert operator.post("/admin/tenants/user/", form).status_code == 302
    assert sign_in(Client(), ALICE, HORSE)["Location"] == "/"


@pytest.mark.parametrize("nonsense", ["", "x", "{}", "[]", "1", '"x"', "null", '{"id": "x", "rawId": "!!", "type": 1}'])
@pytest.mark.parametrize("door", ["/sign-in/passkey", "/account/passkeys/add", "/account/confirm/passkey"])
def test_a_passkey_that_is_none_is_refused(alice, secret, door, nonsense):
    browser = Client() if door == "/sign-in/passkey" else alice.browser
    browser.get(door, headers={"Accept": "application/json"})
    assert browser.post(door, {"name": "x", "credential": nonsense}).status_code in (200, 302)
    assert not Authenticator.objects.filter(type="webauthn").exists()
