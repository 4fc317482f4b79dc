"""Does PostgreSQL itself keep tenants apart where a query forgets to?"""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from generation.models import GenerationJob, GenerationLora, Image
from loras.models import Lora
from tenants.isolation import EVERYBODY, NOBODY, for_everybody, speak_for
from tenants.models import ApiKey, Membership, Tenant
from tenants.row_security import ROLE, owned_models
from tests.postgres import is_wanted

pytestmark = pytest.mark.skipif(not is_wanted(), reason="SQLite has no row-level security")


@pytest.fixture
def pictures(alice, charlie, make_image):
    """A picture of alice's and one of charlie's."""
    return make_image(alice), make_image(charlie)


def seen(model):
    return set(model.objects.values_list("pk", flat=True))


def test_a_query_that_forgets_its_tenant_finds_the_callers_rows_alone(alice, pictures):
    speak_for(alice.tenant.pk)
    assert seen(Image) == {pictures[0].pk}
    assert seen(GenerationJob) == {pictures[0].job_id}
    assert seen(Tenant) == {alice.tenant.pk}
    assert {key.tenant_id for key in ApiKey.objects.all()} == {alice.tenant.pk}


def test_who_speaks_for_nobody_finds_nothing(pictures):
    speak_for(NOBODY)
    assert [seen(model) for model in (Image, GenerationJob, Tenant, Membership, ApiKey)] == [set()] * 5


def test_another_tenants_row_can_be_neither_changed_nor_removed(charlie, pictures):
    speak_for(charlie.tenant.pk)
    assert Image.objects.filter(pk=pictures[0].pk).update(seed=1) == 0
    assert Image.objects.filter(pk=pictures[0].pk).delete() == (0, {})
    speak_for(EVERYBODY)
    assert seen(Image) == {picture.pk for picture in pictures}


def test_a_row_cannot_be_added_or_moved_to_another_tenant(alice, charlie):
    speak_for(charlie.tenant.pk)
    with pytest.raises(DatabaseError, match="row-level security"):
        ApiKey.objects.create(tenant=alice.tenant, name="forged", prefix="x", digest="x")
    with pytest.raises(DatabaseError, match="row-level security"):
        ApiKey.objects.filter(pk=charlie.key.pk).update(tenant=alice.tenant)


def test_what_is_part_of_a_row_is_seen_by_whoever_sees_that(alice, charlie, shelve, run_jobs):
    shelve("grain", 1, tenant=alice.tenant)
    alice.api.post("/api/v1/generations", {"prompt": "a kite", "loras": [{"name": "grain"}]})
    for person, count in ((charlie, 0), (alice, 1)):
        speak_for(person.tenant.pk)
        assert (Lora.objects.count(), GenerationLora.objects.count()) == (count, count)


def test_what_the_operator_offers_to_all_is_seen_and_left_alone(alice, shelve):
    version = shelve("grain", 1)
    speak_for(alice.tenant.pk)
    assert seen(Lora) == {version.lora_id}
    assert Lora.objects.filter(pk=version.lora_id).update(name="mine") == 0


def test_whom_a_transaction_speaks_for_changes_with_each_statement(alice, charlie):
    with transaction.atomic():
        speak_for(alice.tenant.pk)
        assert seen(Tenant) == {alice.tenant.pk}
        with for_everybody():
            assert seen(Tenant) == {alice.tenant.pk, charlie.tenant.pk}
        assert seen(Tenant) == {alice.tenant.pk}


def test_a_savepoint_that_fails_leaves_the_tenant_in_place(alice, charlie):
    with transaction.atomic():
        speak_for(alice.tenant.pk)
        with pytest.raises(DatabaseError), transaction.atomic():
            ApiKey.objects.create(tenant=charlie.tenant, name="forged", prefix="x", digest="x")
        assert seen(Tenant) == {alice.tenant.pk}


def test_nothing_of_it_stays_on_the_connection(alice, charlie):
    speak_for(alice.tenant.pk)
    assert len(seen(Tenant)) == 1
    speak_for(EVERYBODY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user <> %s, coalesce(current_setting('darkroom.tenant', true), '')", [ROLE])
        assert cursor.fetchone() == (True, "")


def test_the_role_of_requests_owns_nothing_and_may_log_in_nowhere(alice):
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [ROLE])
        assert cursor.fetchone() == (False, False, False)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = %s", [ROLE])
        assert cursor.fetchone() == (0,)


def test_every_model_that_knows_a_tenant_is_secured(alice):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        secured = {name for (name,) in cursor.fetchall()}
    owned = {model._meta.db_table for model, _ in owned_models()}
    knowing = {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.name == "tenant" for field in model._meta.concrete_fields)
    }
    assert knowing | {"tenants_tenant", "generation_generationlora", "loras_loraversion"} <= owned == secured
