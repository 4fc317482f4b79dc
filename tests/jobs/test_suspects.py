"""Jobs that saw a worker die: they run alone, within their tenant's limits, and do not keep others from running."""

from datetime import timedelta

import pytest
from django.db.models import F

from generation.models import GenerationJob
from jobs import leases
from jobs.models import JobEvent, Status

ROUTE = "/api/v1/generations"
HOUR = timedelta(hours=1)


@pytest.fixture
def ask(alice, charlie):
    """Ask for a picture and return the job's id."""
    return lambda person: person.api.post(ROUTE, {"prompt": "a kite"}).json()["id"]


def claim():
    job = leases.claim(GenerationJob, "w1")
    return job and job.pk


def die():
    leases.recover(leases.claim(GenerationJob, "dead"), "worker fell silent")


def pass_an_hour():
    GenerationJob.objects.update(created_at=F("created_at") - HOUR)
    JobEvent.objects.update(at=F("at") - HOUR)


def test_a_suspect_counts_towards_what_its_tenant_may_run(alice, ask, allow):
    allow(alice, running_jobs=1)
    suspect = ask(alice)
    die()
    other = ask(alice)
    assert [claim(), claim()] == [other, None]
    GenerationJob.objects.filter(pk=other).update(status=Status.CANCELLED)
    assert claim() == suspect


def test_a_tenant_at_its_limit_keeps_no_other_suspect_waiting(alice, charlie, ask, allow):
    allow(alice, running_jobs=0)
    theirs = ask(charlie)
    die()
    GenerationJob.objects.filter(pk=ask(alice)).update(crashes=1)
    pass_an_hour()
    assert [claim(), claim()] == [theirs, None]


def test_while_workers_die_of_suspects_others_get_on_in_between(alice, charlie, ask):
    suspects = [ask(alice), ask(alice)]
    die(), die()
    pass_an_hour()
    other = ask(charlie)
    die()  # of the first suspect again
    assert claim() == other
    pass_an_hour()
    ask(charlie)
    assert claim() == suspects[1]


def test_a_suspect_that_may_not_start_makes_no_worker_wait_for_it(alice, charlie, ask, allow):
    ask(alice)
    die()
    pass_an_hour()
    assert leases.suspect_waits_long(GenerationJob)
    allow(alice, running_jobs=0)
    assert not leases.suspect_waits_long(GenerationJob)
