"""What do the tests of webhooks need besides the cast? A receiver, a sender that knows it, a clock to turn."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.tls import HOST, Site
from webhooks.courier import Courier
from webhooks.sender import Sender
from wire.guard import Guard

ROUTE = "/api/v1/webhooks"
HERE = "127.0.0.1"


@dataclass
class Clock:
    """A clock that tests turn."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def turn_to(self, then: datetime) -> None:
        """Let time pass."""
        self.now = max(self.now, then)


class Office(Sender):
    """A sender that tests tell when to work."""

    def send_due(self) -> None:
        """Send what is due, and note how each attempt went."""
        self.look()
        while self.under_way:
            self.note(20)
            self.look()


@pytest.fixture
def clock() -> Clock:
    """The sender's clock, a little ahead of the database's."""
    return Clock(timezone.now() + timedelta(seconds=2))


@pytest.fixture
def guard(site: Site) -> Guard:
    """One that takes 127.0.0.1 for public, and knows one name."""
    return Guard(
        resolve={HOST: [HERE]}.__getitem__,
        is_allowed=lambda address: address == HERE,
        port=site.port,
        trust=lambda: site.trust,
    )


@pytest.fixture
def office(guard: Guard, clock: Clock) -> Office:
    """Who sends."""
    return Office(Courier(guard, seconds=1.5), clock=clock)


@pytest.fixture
def listen(site: Site, settings: Any) -> Callable[..., dict[str, Any]]:
    """Let a path of the receiver hear of a person's jobs, answering 200 unless told otherwise; return the webhook."""
    settings.WEBHOOK_HOSTS = [f"{HOST}:{site.port}"]

    def make(person: Any, path: str = "/hook", *, status: int = 200, **fields: Any) -> dict[str, Any]:
        url = site.serve(path, b"ok", status)
        answer = person.api.post(ROUTE, {"url": url, **fields})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return make
