"""Fair order in virtual time: whoever asks for much keeps nobody waiting, and nobody starves."""

import pytest

from jobs.models import Tier
from quotas.models import Allowance, Plan
from tests.jobs.virtual import World, jain

LARGE, SMALL = 20_000, 1_000
TEN = [f"small {number}" for number in range(10)]


@pytest.fixture
def world(checkpoint, settings):
    """An idle worker, and queues as long as anybody likes."""
    settings.MAX_QUEUED = 10_000
    Plan.objects.update(queued_jobs=None)
    return World()


def busy_with(world, count=1000, ms=LARGE):
    """Let a tenant ask for large jobs, and the worker be at them for a while."""
    (large,) = world.tenants("large")
    world.ask(large, count, ms)
    world.run(lambda world: world.now_ms >= 50_000)
    return large


def waits_of(world, tenants):
    """Do what these tenants asked for, and return how long each of their jobs waited."""
    world.run(lambda world: all(world.is_done(tenant) for tenant in tenants))
    return [wait for tenant in tenants for wait in world.waits[tenant.pk]]


def test_while_all_have_work_each_gets_as_much_of_the_gpu(world):
    large, small = busy_with(world), world.tenants(*TEN)
    before = world.served_ms[large.pk]
    for tenant in small:
        world.ask(tenant, 40, SMALL)
    world.run(lambda world: any(world.is_done(tenant) for tenant in small))
    served = [world.served_ms[tenant.pk] for tenant in small]
    assert jain([*served, world.served_ms[large.pk] - before]) >= 0.95


@pytest.mark.parametrize("each", [1, 5])
def test_small_jobs_wait_hardly_longer_than_without_the_large_ones(world, each):
    alone = world.tenants(*TEN)
    for tenant in alone:
        world.ask(tenant, each, SMALL)
    quiet = waits_of(world, alone)
    busy_with(world, 100)
    small = world.tenants(*TEN)
    for tenant in small:
        world.ask(tenant, each, SMALL)
    assert max(beside / wait for wait, beside in zip(quiet, waits_of(world, small), strict=True)) <= 1.5


def test_twice_the_weight_is_twice_the_share(world):
    double, single = world.tenants("double", "single")
    Allowance.objects.create(tenant=double, weight=2)
    for tenant in (double, single):
        world.ask(tenant, 150, SMALL)
    world.run(lambda world: world.now_ms >= 120_000)
    assert world.served_ms[double.pk] / world.served_ms[single.pk] == pytest.approx(2, rel=0.2)


def test_a_large_job_does_not_starve_under_a_stream_of_newcomers(world):
    large = busy_with(world, 3)
    for number in range(100):  # as much as there is time for
        (newcomer,) = world.tenants(f"newcomer {number}")
        world.ask(newcomer, 1, SMALL)
        begun = world.now_ms
        world.run(lambda world, begun=begun: world.now_ms >= begun + SMALL)
    assert world.is_done(large)


def test_who_was_away_does_not_catch_up(world):
    here, away = world.tenants("here", "away")
    world.ask(away, 1, SMALL)
    world.ask(here, 200, SMALL)
    world.run(lambda world: world.now_ms >= 60_000)
    world.ask(away, 60, SMALL)
    before = dict(world.served_ms)
    world.run(lambda world: world.now_ms >= 100_000)
    assert world.served_ms[away.pk] - before[away.pk] == pytest.approx(20_000, rel=0.2)


def test_who_may_run_few_at_once_does_not_save_up_for_later(world):
    free, limited = world.tenants("free", "limited")
    allowance = Allowance.objects.create(tenant=limited, running_jobs=0)
    for tenant in (free, limited):
        world.ask(tenant, 150, SMALL)
    world.run(lambda world: world.now_ms >= 60_000)
    assert world.served_ms[limited.pk] == 0
    allowance.delete()
    world.run(lambda world: world.now_ms >= 120_000)
    assert world.served_ms[limited.pk] == pytest.approx(30_000, rel=0.2)


def test_estimates_that_are_wrong_are_put_right(world):
    wrong, right = world.tenants("wrong", "right")
    world.real_ms = lambda job: SMALL  # whatever was estimated
    world.ask(wrong, 100, 5 * SMALL)
    world.ask(right, 100, SMALL)
    world.run(lambda world: world.now_ms >= 80_000)
    assert jain([world.served_ms[wrong.pk], world.served_ms[right.pk]]) >= 0.95


def test_flex_waits_for_everybody_else_and_then_no_longer(world):
    patient, other = world.tenants("patient", "other")
    world.ask(patient, 20, SMALL, Tier.FLEX)
    world.ask(other, 100, SMALL)
    world.run(lambda world: world.now_ms >= 20_000)
    assert world.served_ms[patient.pk] == 0
    world.pass_time(11 * 60)
    world.run(lambda world: world.is_done(patient))
    assert not world.is_done(other)
    assert world.now_ms < 90_000


def test_two_checkpoints_that_take_turns_are_not_switched_for_each_job(world):
    one, other = world.tenants("one", "other")
    for _ in range(40):
        world.ask(one, 1, SMALL, affinity="ckpt_a")
        world.ask(other, 1, SMALL, affinity="ckpt_b")
    world.run(lambda world: world.is_done(one) and world.is_done(other))
    assert world.switches <= 80 / 10 + 2  # one in ten seconds, by the setting
    longest = max(world.waits[one.pk] + world.waits[other.pk])
    assert longest <= 80_000
