"""Do pages stand on a phone as well, whatever people call their things?"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.processes]
PHONE = {"width": 390, "height": 844}
WORD = "k" * 60
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture
def phone(arrive: Callable[..., object]) -> Page:
    """The demo's owner at a phone, who has made a key with a name of one long word."""
    page = arrive(viewport=PHONE).opens("/settings/keys")
    page.get_by_label("Name").fill(WORD)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text(f"Copy “{WORD}” now")).to_be_visible()
    return page


def test_a_long_word_widens_no_page(phone):
    assert phone.evaluate(TOO_WIDE) == 0


def test_the_audit_keeps_the_names_of_its_columns(phone):
    phone.goto(phone.url.replace("/keys", "/audit"))
    labels = phone.locator(".audit tr:last-child td:not(:empty)").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert labels == ['"When "', '"Who "', '"Did "', '"To what "', '"From "']
