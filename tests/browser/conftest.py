"""A real browser before a whole Darkroom with real processes; it notes whatever goes wrong under the hood."""

import os
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright

from darkroom.up.demo_account import read
from darkroom.up.site import Site, running_site
from darkroom.up.store import free_port

CHROMIUM_FLAGS = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
ENGINE = {
    "DARKROOM_ENGINE": "tests.browser.engine.WatchableEngine",
    "DARKROOM_CHECKPOINT": "fake-sdxl",
    "DARKROOM_JOBS_AT_ONCE": "1",  # so that one can be watched waiting
    "DJANGO_SETTINGS_MODULE": "darkroom.settings",  # the tests' own stay in the tests' process
}


class Visitor:
    """A person at a browser, and the problems that a person would not see."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url, self.host = url, urlsplit(url).netloc
        self.problems: list[str] = []
        self.page = context.new_page()
        self.page.on("request", self._check_host)
        self.page.on("response", self._check_status)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("console", lambda line: line.type == "error" and self.problems.append(f"console: {line.text}"))

    def opens(self, path: str) -> Page:
        """Go to a page of this Darkroom."""
        self.page.goto(self.url + path)
        return self.page

    def signs_in(self, email: str, password: str) -> None:
        """Sign in by the form."""
        self.opens("/sign-in")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Generate").wait_for()

    def _check_host(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host:
            self.problems.append(f"another host: {request.url}")

    def _check_status(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"status {response.status}: {response.url}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A Darkroom as `make run` starts it."""
    home = tmp_path_factory.mktemp("browser") / "home"
    with running_site(home, free_port(), dict(os.environ) | ENGINE) as it:
        yield it


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's browser. Playwright keeps an event loop while it runs, hence no longer than a module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def arrive(site: Site, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Let somebody sign in, with a browser of certain abilities."""
    account = read(site.home)
    contexts: list[BrowserContext] = []

    def arriving(**abilities: object) -> Visitor:
        contexts.append(chromium.new_context(**abilities))
        visitor = Visitor(contexts[-1], account.url)
        visitor.signs_in(account.email, account.password)
        return visitor

    yield arriving
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(arrive: Callable[..., Visitor]) -> Iterator[Visitor]:
    """The demo's owner, signed in; at the end nothing may have gone wrong."""
    visitor = arrive()
    yield visitor
    assert visitor.problems == []
