"""A newcomer finds an account, and finds the same one after each start."""

import pytest

from darkroom.up.demo_account import FILE, demo_account, read
from tenants.callers import ApiKey
from tenants.keys import digest
from tenants.models import User

pytestmark = pytest.mark.django_db
URL = "http://localhost:8000"


def test_the_first_start_makes_an_operator_with_a_tenant_and_a_key(tmp_path):
    account = demo_account(tmp_path, URL)
    user = User.objects.get(email=account.email)
    assert user.check_password(account.password)
    assert user.is_superuser
    assert ApiKey.objects.get(digest=digest(account.api_key)).tenant == user.tenants.get()


def test_only_its_owner_can_read_it(tmp_path):
    demo_account(tmp_path, URL)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_the_next_start_finds_the_same(tmp_path):
    account = demo_account(tmp_path, URL)
    assert demo_account(tmp_path, URL) == account
    assert User.objects.count() == 1


def test_the_address_follows_the_port(tmp_path):
    demo_account(tmp_path, URL)
    demo_account(tmp_path, "http://localhost:8001")
    assert read(tmp_path).url == "http://localhost:8001"


def test_a_new_database_gets_a_new_account(tmp_path):
    old = demo_account(tmp_path, URL)
    User.objects.all().delete()
    assert demo_account(tmp_path, URL).api_key != old.api_key


def test_where_others_live_already_nobody_is_added(tmp_path):
    User.objects.create_user("alice@example.com", "correct horse")
    assert demo_account(tmp_path, URL) is None
    assert User.objects.count() == 1
