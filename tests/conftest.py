"""The cast: alice owns a tenant, bob is a member of it, charlie belongs to another and must see nothing of theirs."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import Client

from generation.dispatch import Generations
from generation.models import GenerationJob, Image
from jobs import leases
from jobs.lifecycle import Held, Performer
from jobs.models import Job
from quotas.models import Allowance
from tenants.choosing import CHOSEN
from tenants.isolation import EVERYBODY, speak_for
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.services import issue_key, open_tenant

pytest_plugins = ["tests.cutting", "tests.postgres", "tests.server", "tests.shelf", "tests.tls", "tests.valkey"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Tidy up as everybody: what a test called outside a request may have left us speaking for one tenant."""
    speak_for(EVERYBODY)


class Api(Client):
    """A program that comes with a key and speaks JSON."""

    def __init__(self, secret: str) -> None:
        super().__init__(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)

    def post(self, path: str, data: Any = None, **extra: Any) -> Any:
        """Send JSON, or bytes as they are."""
        return super().post(path, {} if data is None else data, content_type="application/json", **extra)


@dataclass
class Person:
    """Somebody with a tenant, a signed-in browser and a program with a key."""

    user: User
    tenant: Tenant
    key: ApiKey
    secret: str
    api: Api
    browser: Client


def _person(name: str, tenant: Tenant | None = None) -> Person:
    user = User.objects.create_user(f"{name}@example.com", "correct horse")
    if tenant is None:
        tenant = open_tenant(f"{name}'s studio", user)
    else:
        Membership.objects.create(tenant=tenant, user=user)
    key, secret = issue_key(tenant, f"{name}'s program")
    return Person(user, tenant, key, secret, Api(secret), _signed_in(user, tenant))


def _signed_in(user: User, tenant: Tenant) -> Client:
    """Return a browser in which somebody signed in long ago, and works in this tenant: the audit says nothing of it."""
    session = SessionStore()
    session[CHOSEN] = tenant.pk
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser


@pytest.fixture
def alice(transactional_db: None, checkpoint: None) -> Person:
    """The owner of a studio."""
    return _person("alice")


@pytest.fixture
def bob(alice: Person) -> Person:
    """A member of alice's studio."""
    return _person("bob", alice.tenant)


@pytest.fixture
def charlie(transactional_db: None, checkpoint: None) -> Person:
    """The owner of another studio."""
    return _person("charlie")


@pytest.fixture
def allow() -> Callable[..., Allowance]:
    """Grant a person's tenant these limits, as an operator would."""

    def grant(person: Person, **limits: Any) -> Allowance:
        return Allowance.objects.update_or_create(tenant=person.tenant, defaults=limits)[0]

    return grant


@pytest.fixture
def stores(settings: Any, tmp_path: Path) -> None:
    """Storages for pictures and weights of the test's own."""
    pictures, weights = ({"OPTIONS": {"location": tmp_path / name}} for name in ("pictures", "weights"))
    settings.STORAGES = settings.STORAGES | {
        "default": settings.PICTURES | pictures,
        "weights": settings.WEIGHTS | weights,
    }


@pytest.fixture
def generations(transactional_db: None, stores: None, settings: Any) -> Generations:
    """What performs generations: the real one on a fake engine, its checkpoint on the shelf and files of its own."""
    settings.ENGINE = "tests.fakes.FakeEngine"
    settings.CHECKPOINT = "fake-sdxl"
    performer = Generations()
    performer.warm_up()
    return performer


@pytest.fixture
def checkpoint(generations: Generations) -> None:
    """A checkpoint stands on the shelf."""


@pytest.fixture
def run_jobs(generations: Generations) -> Callable[[], None]:
    """Do every waiting generation, as a worker would."""

    def run() -> None:
        while job := leases.claim(GenerationJob, "test-worker"):
            perform(job, generations)

    return run


def perform(job: Job, performer: Performer, *, must_stop: Callable[[], bool] = lambda: False) -> None:
    """Hold one claimed job until its end."""
    held = Held(job, performer, must_stop=must_stop, wake=lambda: None)
    while not held.attend():
        time.sleep(0.002)


@pytest.fixture
def worker(run_jobs: Callable[[], None]) -> Iterator[None]:
    """A worker that does what comes, in a thread beside the test."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.01):
            run_jobs()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def make_image(run_jobs: Callable[[], None]) -> Callable[..., Image]:
    """Ask for a picture as this person and return the stored image."""

    def make(person: Person, **fields: Any) -> Image:
        answer = person.api.post("/api/v1/generations", {"prompt": "a red kite", **fields})
        assert answer.status_code == 202, answer.content
        run_jobs()
        return Image.objects.filter(job_id=answer.json()["id"]).latest("index")

    return make
