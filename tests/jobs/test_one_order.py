"""There is one order in which a tenant's jobs go: a stream, the job itself and the worker find the same one."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status, Tier
from jobs.prospects import positions, prospects
from tenants.services import suspend_tenant
from tests.jobs.virtual import World

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000
# Half an hour from where any job begins to be late: on however slow a machine, what is late now is late a moment later.
WANTED = st.none() | st.integers(0, 20).map(lambda hours: (hours + 0.5) * HOUR)
JOBS = st.lists(st.tuples(st.sampled_from(Tier), st.sampled_from([0, 0, 1, 1, 2]), WANTED), min_size=2, max_size=6)


@pytest.fixture
def tenants(checkpoint):
    """Two tenants that are served, beside two of whom something runs and nothing waits, and one that is suspended."""
    world = World()
    *served, busy, busier, suspended = world.tenants("one", "other", "busy", "busier", "suspended")
    for tenant in (busy, busier):
        world.ask(tenant, 1, HOUR_MS)
        leases.claim(GenerationJob, "w0")
    world.ask(suspended, 1, HOUR_MS)
    suspend_tenant(suspended)
    return served


def ask(tenant, jobs):
    """Let these wait, an hour's work each. They come from the future, or suspects that have waited long go first."""
    for tier, crashes, wanted in jobs:
        at = timezone.now()
        by = at + wanted if wanted else None
        World().ask(tenant, 1, HOUR_MS, tier, crashes=crashes, finish_by=by, created_at=at + HOUR)


def told(tenant):
    """Return the places of the tenant's jobs as each of them tells it."""
    waiting = GenerationJob.objects.for_tenant(tenant).filter(status=Status.QUEUED).values_list("pk", flat=True)
    return {pk: prospect.position for pk, prospect in prospects(GenerationJob, tenant.pk, list(waiting)).items()}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    phases=[Phase.generate],  # the mixes are small as they are, and each smaller one would take seconds
)
@given(JOBS, JOBS)
def test_whoever_is_told_to_be_next_is_next(tenants, ones, others):
    for tenant, jobs in zip(tenants, (ones, others), strict=True):
        ask(tenant, jobs)
    for _ in range(len(ones) + len(others)):
        places = positions(GenerationJob, [tenant.pk for tenant in tenants])
        assert places == told(tenants[0]) | told(tenants[1])
        assert places[leases.claim(GenerationJob, "w1").pk] == 1
    assert not positions(GenerationJob, [tenant.pk for tenant in tenants])
    GenerationJob.objects.filter(tenant__in=tenants).delete()
