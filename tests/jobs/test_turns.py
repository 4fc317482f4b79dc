"""Whose turn it is costs the same however many jobs have finished, and reads the rows of none."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.models import GenerationJob
from jobs import deadlines, leases
from jobs.backlog import grouped
from jobs.models import JobEvent, Share
from jobs.worker import GpuWorker
from tests.jobs.test_holding import ScriptedEngine

ROUTE = "/api/v1/generations"


@pytest.fixture
def ask(alice, charlie):
    """Ask for a picture and return the job's id."""
    return lambda person, **fields: person.api.post(ROUTE, {"prompt": "a kite", **fields}).json()["id"]


def claim(**holding):
    job = leases.claim(GenerationJob, "w1", **holding)
    return job and job.pk


def test_tenants_take_turns(alice, charlie, ask):
    mine, theirs = [ask(alice) for _ in range(3)], ask(charlie)
    assert [claim(), claim()] in ([mine[0], theirs], [theirs, mine[0]])
    assert [claim(), claim(), claim()] == [mine[1], mine[2], None]


def test_within_a_tenant_tiers_come_first(alice, ask):
    flex, standard, interactive = (ask(alice, tier=tier) for tier in ("flex", "standard", "interactive"))
    assert [claim(), claim(), claim()] == [interactive, standard, flex]


def test_what_is_resident_goes_first_among_equals(alice, ask):
    other, near = ask(alice), ask(alice)
    GenerationJob.objects.filter(pk=near).update(affinity="near")
    assert [claim(resident={"near"}), claim(resident={"near"})] == [near, other]


def test_a_full_worker_takes_on_top_who_has_less_than_its_part_there(alice, charlie, ask, settings):
    settings.JOBS_AT_ONCE = 4
    ask(alice)
    full = Counter({alice.tenant.pk: 4})
    assert claim(held=full) is None
    theirs = [ask(charlie) for _ in range(3)]
    assert claim(held=full) == theirs[0]
    assert claim(held=full + Counter({charlie.tenant.pk: 1})) == theirs[1]
    assert claim(held=full + Counter({charlie.tenant.pk: 2})) is None


def test_nothing_patient_comes_on_top(alice, charlie, ask, settings):
    settings.JOBS_AT_ONCE = 1
    ask(charlie, tier="flex")
    assert claim(held=Counter({alice.tenant.pk: 1})) is None


def test_a_newcomer_finds_a_place_at_a_worker_full_of_somebody_elses(alice, charlie, ask, generations, settings):
    settings.JOBS_AT_ONCE = 2
    worker, generations.engine = GpuWorker(), ScriptedEngine("fake")
    worker.performers = {GenerationJob: generations}
    for _ in range(5):
        ask(alice)
    worker._turn(rung=True)
    ask(charlie)
    worker._turn(rung=True)
    assert Counter(held.job.tenant_id for held in worker.held) == {alice.tenant.pk: 2, charlie.tenant.pk: 1}
    generations.engine.gate.set()


def test_what_failed_for_us_is_not_counted(alice, ask):
    ask(alice)
    before = Share.objects.get().served
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")
    assert Share.objects.get().served == before


def test_a_suspect_that_waits_long_goes_first_for_an_idle_worker(alice, ask, settings):
    suspect = ask(alice)
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")
    ask(alice)
    GenerationJob.objects.filter(pk=suspect).update(created_at="2020-01-01T00:00:00Z")
    JobEvent.objects.update(at="2020-01-01T00:00:00Z")
    assert claim() == suspect


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the number of rows")
def test_what_waits_is_counted_from_its_index_alone(alice):
    plan = grouped(GenerationJob).explain()
    assert "USING COVERING INDEX generationjob_alive (status=? AND crashes=?)" in plan
    assert "TEMP B-TREE" not in plan


def test_what_is_too_late_is_found_through_an_index(alice, plan_of):
    plan = plan_of("\"status\" = 'queued'", deadlines.end_late)
    assert "INDEX generationjob_by_deadline (status=? AND finish_by<?)" in plan


def test_a_claim_takes_as_many_statements_however_many_wait(alice, charlie, ask):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert claim()
        return len(queries)

    ask(alice)
    one = count()
    for _ in range(5):
        ask(alice)
        ask(charlie)
    assert count() == one <= 24
