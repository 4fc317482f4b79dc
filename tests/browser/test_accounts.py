"""Does a passkey work in a real browser, under our policy? Chromium's own authenticator stands in for a phone's."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from darkroom.up.demo_account import DemoAccount, read

pytestmark = [pytest.mark.browser, pytest.mark.processes]
PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

NO_PASSKEY = "() => { navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError')); }"


@pytest.fixture
def account(site) -> DemoAccount:
    """Whose passkey it is."""
    return read(site.home)


@pytest.fixture
def page(visitor) -> Page:
    """A signed-in browser whose machine keeps passkeys."""
    tools = visitor.page.context.new_cdp_session(visitor.page)
    tools.send("WebAuthn.enable")
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE})
    return visitor.page


@pytest.fixture
def passkey(page, visitor, account) -> Iterator[Callable[[], None]]:
    """A passkey has been made; it goes again after the test."""
    visitor.opens("/account/passkeys/add")
    confirm(page, account)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_text("Your passkey is added.")).to_be_visible()
    yield
    visitor.opens("/account/")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()


def confirm(page: Page, account: DemoAccount) -> None:
    """Type the password again."""
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Confirm").click()


def leave(page: Page) -> None:
    """Sign out by the menu."""
    page.get_by_role("button", name="Account", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail").wait_for()


def test_a_passkey_signs_in_without_the_password(page, visitor, account, passkey):
    leave(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Generate")).to_be_visible()
    visitor.opens("/account/")
    expect(page.get_by_text("last used")).to_be_visible()
    visitor.opens("/account/recovery-codes")  # asks, so that the passkey may be removed within five minutes
    confirm(page, account)


def test_after_the_password_a_passkey_is_asked_for(page, visitor, account, passkey):
    leave(page)
    page.get_by_label("E-mail").fill(account.email)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="One step more")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Generate")).to_be_visible()
    visitor.opens("/account/recovery-codes")
    confirm(page, account)


def test_a_machine_without_passkeys_is_told_so(arrive, account):
    visitor = arrive()
    leave(visitor.page)
    visitor.page.evaluate(NO_PASSKEY)
    visitor.page.get_by_role("button", name="Use a passkey").click()
    expect(visitor.page.get_by_text("No passkey was used.")).to_be_visible()
    assert visitor.problems == []
