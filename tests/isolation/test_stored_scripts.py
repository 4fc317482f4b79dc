"""Is what somebody types ever more than text? No page holds it as markup, wherever it was typed."""

from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.test import Client

from tests.isolation.estate import Estate
from tests.isolation.walking import every_answer

PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>{{7*7}}"
MARK, TAGS = "alert(1)", ("<script>alert(1)", "<img src=x", "<svg/onload")


class Markup(HTMLParser):
    """Notes each tag and attribute that holds the payload, but for attributes that only hold text."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note handlers, addresses that run, and tags that come from the payload."""
        for name, value in attrs:
            runs = name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
            if runs or name in ("style", "srcdoc"):
                self.wrong.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        """Note scripts that stand in the page."""
        if self.cdata_elem == "script" and data.strip():
            self.wrong.append(data)


@pytest.fixture
def estate(alice, make_image, shelve):
    """All that alice owns, called by a piece of markup."""
    return Estate(alice, PAYLOAD, seed=13).furnish(make_image, shelve)


def of_page(html: str) -> list[str]:
    parser = Markup()
    parser.feed(html)
    return parser.wrong


def test_no_page_holds_it_as_markup(estate):
    shown = 0
    for path, answer, body in every_answer(estate):
        if answer["Content-Type"].startswith("text/html"):
            assert of_page(body.decode()) == [], path
            assert "script-src 'self'" in answer["Content-Security-Policy"], path
            shown += MARK in body.decode()
    assert shown > 15


def test_no_other_answer_is_taken_for_a_page(estate):
    for path, answer, body in every_answer(estate):
        assert answer["X-Content-Type-Options"] == "nosniff", path
        if MARK.encode() in body:
            kind = answer["Content-Type"].partition(";")[0]
            assert kind in ("text/html", "application/json", "text/csv", "application/zip", "image/png"), path


def test_the_console_holds_it_as_text_too(estate, operator):
    shown = 0
    for model in (model for model in admin.site._registry if model._meta.managed):
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        first = model._default_manager.order_by("-pk").first()
        for path in (place, f"{place}{quote(first.pk)}/change/" if first else place):
            page = operator.get(path).content.decode()
            assert not any(tag in page for tag in TAGS), path
            shown += MARK in page
    assert shown > 5


def test_an_invitation_holds_it_as_text(estate, mailoutbox):
    answer = estate.person.api.post("/api/v1/invitations", {"email": "gina@example.com"})
    assert answer.status_code == 201
    path = mailoutbox[-1].body.partition("/invitations/accept/")[2].split()[0]
    page = Client().get(f"/invitations/accept/{path}").content.decode()
    assert MARK in page
    assert of_page(page) == []
