"""What holds for a tenant: its allowance, else its plan, else nothing."""

from importlib import import_module

from django.apps import apps
from django.db import connection

from quotas.limits import NAMES, EffectiveLimits, limits_of, running_caps
from quotas.models import Allowance, Limits, Plan

ROUTE = "/api/v1/generations"


def test_every_limit_of_a_plan_is_an_effective_one():
    assert set(NAMES) == {field.name for field in Limits._meta.get_fields()}


def test_without_a_plan_nothing_is_limited(no_plan, alice):
    assert limits_of(alice.tenant) == EffectiveLimits()


def test_a_tenant_without_an_allowance_has_the_default_plan(no_plan, alice):
    Plan.objects.create(name="small", images_per_day=5, is_default=True)
    Plan.objects.create(name="large", images_per_day=50)
    assert limits_of(alice.tenant) == EffectiveLimits(plan="small", images_per_day=5)


def test_what_is_granted_goes_before_the_plan(no_plan, alice):
    plan = Plan.objects.create(name="large", images_per_day=50, loras=3, weight=2.0)
    Allowance.objects.create(tenant=alice.tenant, plan=plan, images_per_day=0)
    assert limits_of(alice.tenant) == EffectiveLimits(plan="large", images_per_day=0, loras=3, weight=2.0)


def test_an_allowance_without_a_plan_adds_to_the_default_one(no_plan, alice):
    Plan.objects.create(name="small", images_per_day=5, loras=3, is_default=True)
    Allowance.objects.create(tenant=alice.tenant, loras=9)
    assert limits_of(alice.tenant) == EffectiveLimits(plan="small", images_per_day=5, loras=9)


def test_limits_cost_one_query(alice, django_assert_num_queries):
    Allowance.objects.create(tenant=alice.tenant, plan=Plan.objects.create(name="large"))
    with django_assert_num_queries(1):
        limits_of(alice.tenant)


def test_the_caps_of_many_tenants_cost_one_query(no_plan, alice, charlie, django_assert_num_queries):
    Allowance.objects.create(tenant=alice.tenant, running_jobs=2)
    with django_assert_num_queries(1):
        caps = running_caps([alice.tenant.pk, charlie.tenant.pk])
    assert caps == {alice.tenant.pk: 2}


def test_a_fresh_server_has_a_default_plan_with_room_to_play(no_plan, alice):
    migration = import_module("quotas.migrations.0002_default_plan")
    migration.make_default_plan(apps, connection.schema_editor())
    migration.make_default_plan(apps, connection.schema_editor())
    limits = limits_of(alice.tenant)
    assert (limits.plan, limits.queued_jobs, limits.running_jobs) == ("Default", 500, None)


def test_the_next_submission_asks_again(alice, allow):
    allow(alice, images_per_day=5)
    assert alice.api.post(ROUTE, {"prompt": "kites"}).status_code == 202
    allow(alice, images_per_day=1)
    assert alice.api.post(ROUTE, {"prompt": "kites"}).json()["error"]["code"] == "insufficient_quota"
