"""SQLite's writers take turns in a process, and each ends its turn however its transaction ends."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from tenants.models import Tenant

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


@pytest.fixture
def hasty(monkeypatch):
    """For a while, wait for nobody for long."""

    @contextmanager
    def waiting():
        with monkeypatch.context() as patched:
            patched.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
            yield

    return waiting


def write():
    with transaction.atomic():
        Tenant.objects.create(name="a studio")


def test_whoever_writes_has_the_turn_until_the_outermost_commit():
    with transaction.atomic():
        with transaction.atomic():
            pass
        assert connection.has_turn
    assert not connection.has_turn


def test_what_is_rolled_back_ends_its_turn():
    with suppress(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    assert not connection.has_turn


def test_what_is_cut_off_ends_its_turn():
    with suppress(DatabaseError), transaction.atomic():
        connection.close()
    assert not connection.has_turn


def test_what_is_interrupted_as_it_commits_ends_its_turn(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(connection, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write()
    assert not connection.has_turn


def test_what_waits_for_the_commit_may_write():
    with transaction.atomic():
        transaction.on_commit(write)
    assert Tenant.objects.count() == 1
    assert not connection.has_turn


def test_what_cannot_begin_has_no_turn(elsewhere, hasty):
    with hasty(), closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as another_process:
        another_process.execute("BEGIN IMMEDIATE")
        (error,) = elsewhere(write)
    assert str(error) == "database is locked"
    assert elsewhere(write) == []


def test_who_reads_waits_for_nobody(elsewhere):
    with transaction.atomic():
        assert elsewhere(lambda: list(Tenant.objects.all())) == []


def test_who_waits_too_long_hears_that_it_is_locked(elsewhere, hasty):
    with hasty(), transaction.atomic():
        (error,) = elsewhere(write)
    assert isinstance(error, OperationalError)
    assert str(error) == "database is locked"
    assert elsewhere(write) == []


def test_who_is_patient_writes_when_it_is_their_turn(elsewhere):
    with ThreadPoolExecutor(8) as threads:
        errors = list(threads.map(lambda _: elsewhere(write), range(40)))
    assert errors == [[]] * 40
    assert Tenant.objects.count() == 40
