"""Does it show in what somebody is told whether others do anything? The same steps, alone and beside somebody."""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.models import User
from tenants.services import issue_key, open_tenant
from tests.conftest import Api, Person
from tests.isolation.walking import body_of

STEPS = 120
ID = re.compile(r"\b[a-z]{2,6}_[0-9a-z]{26}\b")
# What is declared to differ: times, how long anything takes here (which is learnt from everybody), secrets and digests.
UNSTEADY = re.compile(
    r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?"
    r"|(sdx_live_|whsec_)[\w+/=…]+"
    r'|(?<=csrfmiddlewaretoken" value=")\w+|(?<=name="key_id" value=")[\w:-]+'
    r'|"(digest|sha256|prefix|seconds|eta_p50|eta_p90|p50|p90|finish_p50|quoted|estimated)":\s?("[^"]*"|[\d.]+|null)'
    r"|\d\d? \w{3} \d{4}, \d\d:\d\d|[\d.]+ s\b"
    r'|"reasons":\s?\[.*?\]'  # why one waits: who else does, in numbers of jobs
)
SHOWN_HEADERS = ("Content-Type", "Location", "Retry-After", "Allow", "Content-Disposition", "Cache-Control", "Vary")
PAGES = ("/", "/history", "/batches", "/settings/keys", "/settings/members", "/settings/webhooks", "/settings/usage")
LISTS = ("generations", "batches", "keys", "members", "invitations", "webhooks", "webhooks/deliveries", "audit",
         "loras", "limits", "usage", "usage/storage", "models", "checkpoints", "uploads", "images")  # fmt: skip


class Day:
    """What somebody asks, step by step, by chance from a seed, and what they are told."""

    def __init__(self, person: Person, seed: int) -> None:
        self.person, self.chance = person, random.Random(seed)
        self.names: dict[str, str] = {}
        self.known: dict[str, list[str]] = {}
        self.told: list[str] = []

    def step(self) -> None:
        """Ask for something and write down the answer."""
        method, path, said = self.chance.choice(ASKS)(self)
        is_api = path.startswith(("/api", "/v1"))
        content = {"content_type": "application/json"} if is_api and method != "GET" else {}
        answer = getattr(Client, method.lower())(self._client(is_api), path, said, **content)
        self.told.append(self._masked(f"{method} {path} {said} -> {answer.status_code} {self._heads(answer)}", answer))

    def _client(self, is_api: bool) -> Client:
        return self.person.api if is_api else self.person.browser

    def _heads(self, answer: Any) -> list[str]:
        return [f"{name}={answer[name]}" for name in SHOWN_HEADERS if name in answer]

    def _masked(self, head: str, answer: Any) -> str:
        body = body_of(answer).decode("latin-1")
        for found in ID.findall(head + body):
            self.known.setdefault(found.partition("_")[0], [])
            if found not in self.names:
                self.names[found] = f"{found.partition('_')[0]}-{len(self.names)}"
                self.known[found.partition("_")[0]].append(found)
        text = ID.sub(lambda id: self.names[id[0]], UNSTEADY.sub("~", f"{head}\n{body}"))
        return text.replace(self.person.user.email.partition("@")[0], "NAME")

    def one(self, kind: str) -> str:
        """Return the id of something of this kind that was heard of, or of nothing."""
        return self.chance.choice(self.known.get(kind) or [f"{kind}_nothing"])

    @property
    def number(self) -> int:
        """Return a number by chance."""
        return self.chance.randrange(1000)


Ask = Callable[[Day], tuple[str, str, Any]]
ASKS: list[Ask] = [
    lambda day: ("POST", "/api/v1/generations", {"prompt": f"kite {day.number}", "seed": day.number, "steps": 2}),
    lambda day: ("POST", "/api/v1/generations", {"prompt": "", "steps": day.number}),
    lambda day: ("POST", "/v1/images/generations", {"prompt": f"kite {day.number}", "model": "nothing"}),
    lambda day: ("POST", "/api/v1/batches", {"specs": [{"prompt": "kite", "seed": day.number, "steps": 1}] * 2}),
    lambda day: ("POST", "/api/v1/quotes", {"prompt": "kite", "steps": 1 + day.number % 9}),
    lambda day: ("POST", f"/api/v1/generations/{day.one('gen')}/cancel", {}),
    lambda day: ("GET", f"/api/v1/generations/{day.one('gen')}", None),
    lambda day: ("GET", f"/api/v1/batches/{day.one('batch')}", None),
    lambda day: ("DELETE", f"/api/v1/images/{day.one('img')}", {}),
    lambda day: ("POST", "/api/v1/keys", {"name": f"key {day.number}", "scopes": ["read"]}),
    lambda day: ("PATCH", f"/api/v1/keys/{day.one('key')}", {"name": f"key {day.number}"}),
    lambda day: ("POST", "/api/v1/invitations", {"email": f"friend-{day.number % 30}@example.com"}),
    lambda day: ("DELETE", f"/api/v1/invitations/{day.one('inv')}", {}),
    lambda day: ("GET", f"/api/v1/keys/{day.one('key')}", None),
    lambda day: ("GET", day.chance.choice(PAGES), None),
    lambda day: ("GET", f"/images/{day.one('img')}", None),
    lambda day: ("GET", f"/generations/{day.one('gen')}", None),
    *[lambda day: ("GET", f"/api/v1/{day.chance.choice(LISTS)}", None)] * 4,
]


def person(name: str) -> Person:
    """Return somebody new, with everything that the cast has."""
    user = User.objects.create_user(f"{name}@example.com", "correct horse")
    tenant = open_tenant(f"{name}'s studio", user)
    key, secret = issue_key(tenant, f"{name}'s program")
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return Person(user, tenant, key, secret, Api(secret), browser)


def transcript(who: Person, run_jobs: Callable[[], None], beside: Day | None = None) -> list[str]:
    """Return what somebody is told in a few hundred steps, with a worker that works now and then."""
    day = Day(who, seed=20)
    for number in range(STEPS):
        if beside is not None:
            beside.step()
        if number % 10 == 9:
            run_jobs()
        day.step()
    return day.told


def differing(one: str, other: str) -> str:
    """Return where two answers begin to differ."""
    place = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    around = slice(max(0, place - 60), place + 60)
    return f"{one[:80]}: {one[around]!r} / {other[around]!r}"


@pytest.mark.usefixtures("checkpoint")
def test_what_somebody_is_told_does_not_depend_on_others(run_jobs, settings, transactional_db):
    settings.WEBHOOK_HOSTS = ["hooks.test"]
    alone = transcript(person("anna"), run_jobs)
    beside = transcript(person("emma"), run_jobs, beside=Day(person("charlie"), seed=21))
    assert "\n".join(differing(a, b) for a, b in zip(alone, beside, strict=True) if a != b) == ""
    assert len({answer.partition("->")[2][:5] for answer in alone}) > 4  # many kinds of answers
