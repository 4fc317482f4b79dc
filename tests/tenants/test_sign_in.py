"""Who guesses passwords is stopped, and nobody else is."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import FailedSignIn, User
from tenants.sign_in import ATTEMPTS, TOO_OFTEN, WINDOW

ALICE = {"login": "alice@example.com", "password": "correct horse"}


def sign_in(address: str = "203.0.113.7", **typed: str):
    """Return what the sign-in page answers alice, or whoever types something else."""
    return Client(REMOTE_ADDR=address).post("/sign-in", ALICE | typed)


@pytest.fixture
def guessed_out(alice):
    """Somebody has guessed alice's password as often as they may."""
    for guess in range(ATTEMPTS):
        assert TOO_OFTEN not in sign_in(password=f"guess {guess}").content.decode()


def test_after_many_guesses_even_the_right_password_waits(guessed_out):
    answer = sign_in()
    assert answer.status_code == 200
    assert TOO_OFTEN in answer.content.decode()


def test_another_spelling_is_the_same_account(guessed_out):
    assert TOO_OFTEN in sign_in(login="Alice@Example.com").content.decode()


def test_the_owner_of_the_account_comes_in_from_elsewhere(guessed_out):
    assert sign_in(address="198.51.100.1").status_code == 302


def test_others_come_in_from_that_address(guessed_out, charlie):
    assert sign_in(login="charlie@example.com").status_code == 302


def test_waiting_helps(guessed_out):
    FailedSignIn.objects.update(at=timezone.now() - WINDOW - timedelta(seconds=1))
    assert sign_in().status_code == 302


def test_signing_in_forgets_the_typos_before(alice):
    for _ in range(ATTEMPTS - 1):
        sign_in(password="typo")
    sign_in()
    assert not FailedSignIn.objects.exists()


def test_old_failures_go_with_the_next_one(alice):
    FailedSignIn.objects.create(account="x", address="y", at=timezone.now() - WINDOW)
    sign_in(password="typo")
    assert FailedSignIn.objects.get().account == "alice@example.com"


def test_no_account_is_needed_to_be_counted(db):
    sign_in(password="guess", login="Nobody@Example.com")
    assert FailedSignIn.objects.get().account == "nobody@example.com"
    assert not User.objects.exists()
