"""An address is one account, however it is spelled."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from tenants.models import User

NEW = {"email": "Dora@Example.com", "password1": "correct horse battery", "password2": "correct horse battery"}


@pytest.fixture
def operator(db) -> Client:
    """An operator's browser."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga@example.com", "correct horse"))
    return browser


@pytest.mark.parametrize("spelling", ["Dora@Example.com", "dora@example.com"])
def test_whom_an_operator_adds_can_sign_in(operator, spelling):
    operator.post("/admin/tenants/user/add/", NEW)
    answer = Client().post("/sign-in", {"login": spelling, "password": NEW["password1"]})
    assert answer.status_code == 302


def test_another_spelling_is_no_second_account(operator):
    operator.post("/admin/tenants/user/add/", NEW)
    page = operator.post("/admin/tenants/user/add/", NEW | {"email": "DORA@example.com"})
    assert "already exists" in page.content.decode()
    assert User.objects.filter(email__iexact="dora@example.com").count() == 1


def test_the_database_itself_keeps_one_spelling(operator):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.update(email="Olga@Example.com")
