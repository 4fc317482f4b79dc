"""The audit: whatever is taken out of it, or changed in it, is named."""

import threading
from importlib import import_module

import pytest
from django.db import DatabaseError, connection, connections

from tenants import audit
from tenants.invariants import INVARIANTS
from tenants.models import AuditChain, AuditEvent

MIGRATION = import_module("tenants.migrations.0003_audit_chain")
THREADS, EACH = 6, 10


@pytest.fixture
def unguarded(transactional_db):
    """Somebody has switched off what the database refuses."""
    with connection.schema_editor() as editor:
        MIGRATION.allow_changes(None, editor)
    yield
    with connection.schema_editor() as editor:
        MIGRATION.refuse_changes(None, editor)


def told(person, count):
    """Write down so many acts of a person's and return the rows in order."""
    for number in range(count):
        audit.record("key.issued", tenant=person.tenant, actor=person.user.email, subject=f"key {number}")
    return list(AuditEvent.objects.for_tenant(person.tenant).order_by("number"))


def complaints():
    """Return what the check has to say of the audit."""
    return [sentence for each in INVARIANTS for sentence in each.violations()]


def test_an_untouched_audit_holds(alice, charlie):
    audit.record("sign_in.failed", tenant=None, actor="mallory@example.com", detail={"of": 1e3, "at": 0.1, "é": None})
    assert [event.number for event in told(alice, 3)] == [1, 2, 3]
    assert told(charlie, 1)[0].number == 1
    assert complaints() == []


def test_a_changed_row_is_named(alice, charlie, unguarded):
    _, second, _ = told(alice, 3)
    told(charlie, 2)
    AuditEvent.objects.filter(pk=second.pk).update(actor="nobody@example.com")
    assert complaints() == [f"{second.pk}, number 2 in the audit of {alice.tenant.pk}, was changed"]


def test_a_row_that_was_changed_and_sealed_anew_breaks_the_next(alice, unguarded):
    first, second, third = told(alice, 3)
    second.actor = "nobody@example.com"
    AuditEvent.objects.filter(pk=second.pk).update(actor=second.actor, digest=audit.seal(second, first.digest))
    assert complaints() == [f"{third.pk}, number 3 in the audit of {alice.tenant.pk}, was changed"]


def test_a_row_taken_out_is_named_by_its_number(alice, unguarded):
    told(alice, 4)
    AuditEvent.objects.filter(number__in=[2, 3]).delete()
    assert complaints() == [f"numbers 2 to 3 are gone from the audit of {alice.tenant.pk}"]


def test_the_last_row_taken_out_is_missed_too(alice, unguarded):
    told(alice, 2)
    AuditEvent.objects.filter(number=2).delete()
    assert complaints() == [f"number 2 is gone from the audit of {alice.tenant.pk}"]


def test_an_audit_without_its_end_is_named(alice):
    told(alice, 1)
    AuditChain.objects.all().delete()
    assert complaints() == [f"the audit of {alice.tenant.pk} has lost its end: rows may be missing there"]


def test_the_database_refuses_to_change_what_the_audit_says(alice):
    told(alice, 1)
    with pytest.raises(DatabaseError, match="never changed"):
        AuditEvent.objects.update(actor="nobody@example.com")


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="tests empty tables by DELETE there")
def test_postgresql_refuses_to_take_a_row_out(alice):
    told(alice, 1)
    with pytest.raises(DatabaseError, match="never changed"):
        AuditEvent.objects.all().delete()


def test_many_at_once_make_one_chain(alice, charlie):
    def tell():
        for person in (alice, charlie) * EACH:
            audit.record("key.issued", tenant=person.tenant, actor=person.user.email)
        connections.close_all()

    threads = [threading.Thread(target=tell) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = AuditEvent.objects.for_tenant(alice.tenant).order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, THREADS * EACH + 1))
    assert complaints() == []


def test_one_act_for_many_tenants_takes_as_few_queries_as_for_one(alice, charlie, django_assert_num_queries):
    owners = [alice.tenant.pk, charlie.tenant.pk]
    audit.record_for(owners, "operator.viewed", actor="operator root@example.com")
    with django_assert_num_queries(5):  # BEGIN, the ends, the rows, the ends again, COMMIT
        audit.record_for(owners, "operator.viewed", actor="operator root@example.com")
    assert AuditEvent.objects.count() == 4


def test_the_address_of_the_request_is_noted(alice):
    token = audit.ADDRESS.set("203.0.113.9")
    audit.record("key.issued", tenant=alice.tenant, actor=alice.user.email)
    audit.ADDRESS.reset(token)
    assert AuditEvent.objects.get().address == "203.0.113.9"
