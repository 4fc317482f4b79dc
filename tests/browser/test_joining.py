"""Does an invitation lead from a mail to a picture in the month's account? One story, through every door of its own."""

import re
from collections.abc import Iterator

import pytest
from openai import OpenAI
from playwright.sync_api import Browser, Page, expect

from darkroom.up.site import Site
from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.processes]
ADDRESS, PASSWORD = "nora@example.com", "a lamp in the dark"


@pytest.fixture
def newcomer(chromium: Browser, visitor: Visitor) -> Iterator[Visitor]:
    """Somebody without an account; at the end nothing may have gone wrong."""
    context = chromium.new_context()
    newcomer = Visitor(context, visitor.url)
    yield newcomer
    assert newcomer.problems == []
    context.close()


def link_in_last_mail(site: Site) -> str:
    """Return the path of the link in the last mail: without a mail server, all are in the web log."""
    mails = (site.home / "logs" / "web.log").read_text()
    return re.findall(r"^http://[^/\s]+(/(?:invitations|confirm-email)/\S+)$", mails, re.MULTILINE)[-1]


def invite(owner: Visitor, role: str) -> None:
    """Invite the newcomer from the members page, found by the tab and the list beside it."""
    owner.page.get_by_role("link", name="Settings").click()
    owner.page.get_by_role("link", name="Members", exact=True).first.click()
    owner.page.get_by_label("E-mail").fill(ADDRESS)
    owner.page.get_by_label("Role", exact=True).select_option(role)
    owner.page.get_by_role("button", name="Send invitation").click()
    expect(owner.page.get_by_text(f"on its way to {ADDRESS}")).to_be_visible()


def sign_up(newcomer: Visitor) -> None:
    """Sign up from the invitation's page, which tells the form who is invited."""
    newcomer.page.get_by_role("link", name="Sign up").click()
    expect(newcomer.page.get_by_label("E-mail")).to_have_value(ADDRESS)
    newcomer.page.get_by_label("Password").fill(PASSWORD)
    newcomer.page.get_by_role("button", name="Create an account").click()
    expect(newcomer.page.get_by_role("heading", name="Look into your mail")).to_be_visible()


def join(newcomer: Visitor) -> None:
    """Confirm the address, which leads back to the invitation, and accept it."""
    newcomer.page.get_by_role("button", name="Yes, confirm it").click()
    newcomer.page.get_by_role("button", name="Join").click()
    expect(newcomer.page.get_by_text("You are a member of Demo now.")).to_be_visible()


def make_key(page: Page, name: str) -> str:
    """Make a key on its page and return the secret that is shown this once."""
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the key").click()
    return page.locator("#secret").inner_text()


def test_from_an_invitation_to_a_picture_in_the_usage(visitor, newcomer, site):
    invite(visitor, "admin")
    newcomer.opens(link_in_last_mail(site))
    sign_up(newcomer)
    newcomer.opens(link_in_last_mail(site))
    join(newcomer)
    secret = make_key(newcomer.page, "nora's program")
    OpenAI(base_url=f"{visitor.url}/v1", api_key=secret).images.generate(prompt="a red kite", n=2)
    newcomer.page.get_by_role("link", name="Usage and limits").click()
    row = newcomer.page.get_by_role("row", name="nora's program")
    expect(row.get_by_role("cell").nth(1)).to_have_text("2")
