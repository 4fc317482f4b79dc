"""Who else comes in stories about members?"""

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import Tenant, User
from tenants.services import issue_key
from tests import conftest
from tests.conftest import Api, Person


@pytest.fixture
def person(checkpoint: None) -> Callable[..., Person]:
    """Make somebody, in this tenant or with one of their own."""

    def make(name: str, tenant: Tenant | None = None) -> Person:
        return conftest._person(name, tenant)

    return make


@pytest.fixture
def key_with() -> Callable[..., Api]:
    """Give a person's program a key with these scopes."""

    def make(person: Person, *scopes: str) -> Api:
        return Api(issue_key(person.tenant, "restricted", scopes=scopes)[1])

    return make


@pytest.fixture
def dora(transactional_db: None) -> Client:
    """The browser of somebody who is signed in and belongs to no tenant."""
    browser = Client()
    browser.force_login(User.objects.create_user("dora@example.com", "correct horse"))
    return browser
