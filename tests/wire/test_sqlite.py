"""SQLite's writers take turns in a process, and each ends its turn however its transaction ends."""

import sqlite3
import threading
from contextlib import closing, suppress

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from tenants.models import Tenant
from wire.sqlite.base import TURN

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has many writers"),
]


@pytest.fixture
def elsewhere():
    """Do something in a thread of its own, with a connection of its own, and return what it raised."""

    def run(act):
        raised = []

        def acting():
            try:
                act()
            except DatabaseError as error:
                raised.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=acting)
        thread.start()
        thread.join()
        return raised

    return run


def write():
    with transaction.atomic():
        Tenant.objects.create(name="a studio")


def test_whoever_writes_has_the_turn_until_the_outermost_commit():
    with transaction.atomic():
        with transaction.atomic():
            pass
        assert TURN.locked()
    assert not TURN.locked()


def test_what_is_rolled_back_ends_its_turn():
    with suppress(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    assert not TURN.locked()


def test_what_is_cut_off_ends_its_turn():
    with suppress(DatabaseError), transaction.atomic():
        connection.close()
    assert not TURN.locked()


def test_what_cannot_begin_has_no_turn(elsewhere, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as another_process:
        another_process.execute("BEGIN IMMEDIATE")
        (error,) = elsewhere(write)
    assert str(error) == "database is locked"
    assert not TURN.locked()


def test_who_reads_waits_for_nobody(elsewhere):
    with transaction.atomic():
        assert elsewhere(lambda: list(Tenant.objects.all())) == []


def test_who_waits_too_long_hears_that_it_is_locked(elsewhere, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with transaction.atomic():
        (error,) = elsewhere(write)
    assert isinstance(error, OperationalError)
    assert str(error) == "database is locked"
    assert elsewhere(write) == []
