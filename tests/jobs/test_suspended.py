"""What a suspended tenant waits for takes nobody's time, and goes on when the tenant is served again."""

import pytest

from generation.models import GenerationJob
from jobs import leases
from jobs.forecast import forecast
from jobs.models import Share
from tenants.services import resume_tenant, suspend_tenant

ROUTE = "/api/v1/generations"


@pytest.fixture
def ask(alice, charlie):
    """Ask for a picture and return the job's id."""
    return lambda person: person.api.post(ROUTE, {"prompt": "a kite"}).json()["id"]


def claim():
    job = leases.claim(GenerationJob, "w1")
    return job and job.pk


def test_what_a_suspended_tenant_waits_for_waits_on(alice, charlie, ask):
    mine, theirs = ask(alice), ask(charlie)
    suspend_tenant(alice.tenant)
    assert [claim(), claim()] == [theirs, None]
    resume_tenant(alice.tenant)
    assert claim() == mine


def test_neither_does_a_suspect_of_its_start(alice, ask):
    suspect = ask(alice)
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")
    suspend_tenant(alice.tenant)
    assert claim() is None
    resume_tenant(alice.tenant)
    assert claim() == suspect


def test_it_saves_up_no_turns_meanwhile(alice, charlie, ask):
    ask(alice), ask(charlie), ask(charlie)
    suspend_tenant(alice.tenant)
    claim(), claim()
    assert Share.objects.get(pk=alice.tenant.pk).served > 0


def test_nobody_is_told_to_wait_for_it(alice, charlie, ask):
    [ask(alice) for _ in range(5)]
    suspend_tenant(alice.tenant)
    alone = forecast(GenerationJob, charlie.tenant, 1000)
    GenerationJob.objects.all().delete()
    assert forecast(GenerationJob, charlie.tenant, 1000) == alone
