"""A server on which anybody may sign up."""

import pytest
from django.test import Client

from tests.accounts.acting import link_in, sign_up


@pytest.fixture(autouse=True)
def forgiving_clock(settings):
    """The half minute may end between the app's code and its typing."""
    settings.MFA_TOTP_TOLERANCE = 1


@pytest.fixture
def open_house(transactional_db, checkpoint, settings):
    """Anybody may sign up here."""
    settings.SIGN_UP = True


@pytest.fixture
def dora(open_house, mailoutbox) -> Client:
    """The browser of somebody who has signed up and confirmed her address, all by herself."""
    browser = Client()
    sign_up(browser, "dora@example.com")
    browser.post(link_in(mailoutbox[-1]))
    return browser
