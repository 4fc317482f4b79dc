"""Does Django's middleware do without threads what it can, and nothing else?"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.test import AsyncClient

from tests.conftest import Person


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was taken to a thread, by name."""
    names: list[str] = []
    took = SyncToAsync.__call__

    async def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        names.append(getattr(self.func, "__qualname__", type(self.func).__name__))
        return await took(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)
    return names


@pytest.fixture
def ask() -> Callable[..., Any]:
    """Ask as a web process is asked."""

    def answer(path: str, method: str = "get", **said: Any) -> Any:
        client = AsyncClient(enforce_csrf_checks=True)
        client.cookies.update(said.pop("cookies", {}))
        return asyncio.run(getattr(client, method)(path, **said))

    return answer


def test_an_answer_of_the_api_takes_its_view_alone_to_a_thread(
    alice: Person, ask: Callable[..., Any], changes: list[str]
) -> None:
    answer = ask("/api/v1/generations", headers={"Authorization": f"Bearer {alice.secret}"})

    assert answer.status_code == 200
    assert [name for name in changes if "Middleware" in name or "process_" in name] == []
    assert len(changes) <= 4, changes  # the view, and Django's signals


def test_a_page_takes_what_it_keeps_of_its_session_there_too(
    alice: Person, ask: Callable[..., Any], changes: list[str]
) -> None:
    page = ask("/", cookies=alice.browser.cookies)

    assert page.status_code == 200
    assert [name for name in changes if name.endswith("Middleware.process_response")] == [
        "SessionMiddleware.process_response"
    ]


def test_a_form_from_another_site_is_refused(alice: Person, ask: Callable[..., Any]) -> None:
    refused = ask("/sign-out", "post", cookies=alice.browser.cookies, headers={"Origin": "https://elsewhere.test"})

    assert refused.status_code == 403
