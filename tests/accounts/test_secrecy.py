"""Nobody finds out whether an address has an account: either is answered with the same bytes."""

import re

import pytest
from django.test import Client

from tests.accounts.acting import HORSE, sign_up
from tests.accounts.counting import CountingHasher

KNOWN, UNKNOWN = "alice@example.com", "nolan@example.com"  # of one length: the page shows what was typed


def seen(browser: Client, answer, email: str):
    """Return all that a stranger sees of an answer, without the tokens that differ each time and what they typed."""
    page = re.sub(r'(csrfmiddlewaretoken" value=)"\w+"', r"\1", answer.content.decode()).replace(email, "ADDRESS")
    cookies = sorted((name, morsel["max-age"]) for name, morsel in answer.cookies.items())
    headers = {name: value for name, value in answer.headers.items() if name not in ("Expires", "X-Request-Id")}
    return answer.status_code, page, cookies, headers


def forget(email: str):
    browser = Client()
    return seen(browser, browser.post("/password-reset", {"email": email}), email)


def join(email: str):
    browser = Client()
    first = seen(browser, sign_up(browser, email), email)
    return first, seen(browser, browser.get("/confirm-email"), email), seen(browser, browser.get("/sign-in"), email)


def guess(email: str):
    browser = Client()
    return seen(browser, browser.post("/sign-in", {"login": email, "password": "a guess"}), email)


@pytest.mark.parametrize("act", [forget, join, guess])
def test_an_address_with_an_account_is_answered_like_one_without(alice, settings, act):
    settings.SIGN_UP = True
    assert act(KNOWN) == act(UNKNOWN)


def test_either_gets_one_mail(alice, settings, mailoutbox):
    settings.SIGN_UP = True
    for act in (forget, join):
        act(KNOWN), act(UNKNOWN)
    assert [mail.to[0] for mail in mailoutbox] == [KNOWN, UNKNOWN] * 2


def test_only_the_owner_reads_that_there_is_an_account(alice, settings, mailoutbox):
    settings.SIGN_UP = True
    join(KNOWN)
    assert "There is an account with this address already." in mailoutbox[0].body


def test_either_costs_one_hashing_of_a_password(alice, settings, mailoutbox):
    settings.SIGN_UP = True
    settings.PASSWORD_HASHERS = ["tests.accounts.counting.CountingHasher"]
    costs = []
    for email in (KNOWN, UNKNOWN):
        CountingHasher.count = 0
        join(email)
        costs.append(CountingHasher.count)
    assert costs == [1, 1]


def test_somebody_signed_in_finds_out_no_more(alice, charlie):
    def change_to(email: str):
        alice.browser.post("/account/confirm", {"password": HORSE})
        return seen(alice.browser, alice.browser.post("/account/email", {"email": email, "action_add": ""}), email)

    assert change_to("charlie@example.com") == change_to(UNKNOWN)
