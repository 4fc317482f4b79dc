"""What an operator does with plans and limits takes effect at once, and is written down."""

import pytest

from quotas.limits import limits_of
from quotas.models import Allowance, Plan
from tenants.models import AuditEvent, Membership, Tenant


@pytest.fixture
def small(no_plan, alice):
    """A small plan."""
    return Plan.objects.create(name="Small", images_per_day=5)


def audited(tenant):
    """Return what was written down of this tenant's limits."""
    events = AuditEvent.objects.filter(tenant=tenant, action__in=["plan.changed", "limits.changed"]).order_by("pk")
    return [(event.action, event.detail["before"], event.detail["after"]) for event in events]


def test_a_tenant_is_given_a_plan_and_a_limit_of_its_own(operator, alice, small):
    answer = operator.post("/admin/quotas/allowance/add/", {"tenant": alice.tenant.pk, "plan": small.pk, "max_n": "2"})
    assert answer.status_code == 302
    assert (limits_of(alice.tenant).images_per_day, limits_of(alice.tenant).max_n) == (5, 2)
    assert audited(alice.tenant) == [
        ("plan.changed", {"plan": None}, {"plan": "Small"}),
        ("limits.changed", {"max_n": None}, {"max_n": 2}),
    ]


def test_taking_an_allowance_away_is_written_down(operator, alice, small, allow):
    allow(alice, plan=small)
    operator.post(f"/admin/quotas/allowance/{alice.tenant.pk}/delete/", {"post": "yes"})
    assert not Allowance.objects.exists()
    assert audited(alice.tenant) == [("plan.changed", {"plan": "Small"}, {"plan": None})]


def test_an_unchanged_allowance_is_not_written_down(operator, alice, small, allow):
    allow(alice, plan=small)
    operator.post(f"/admin/quotas/allowance/{alice.tenant.pk}/change/", {"plan": small.pk})
    assert audited(alice.tenant) == []


def test_a_changed_plan_is_written_down_with_what_held_before(operator, small):
    operator.post(f"/admin/quotas/plan/{small.pk}/change/", {"name": "Small", "images_per_day": "9"})
    assert Plan.objects.get().images_per_day == 9
    assert audited(None) == [("limits.changed", {"images_per_day": 5}, {"images_per_day": 9})]


def test_a_plans_form_says_what_its_fields_mean(operator):
    page = operator.get("/admin/quotas/plan/add/").content.decode()
    said = ("An empty limit is none; 0 lets nothing", "“Use by default”", "1073741824 are 1 GB", "Width times height")
    assert [sentence for sentence in said if sentence not in page] == []


def test_a_weight_of_nothing_is_refused(operator, alice, small):
    answer = operator.post(f"/admin/quotas/plan/{small.pk}/change/", {"name": "Small", "weight": "0"})
    assert "It must be above 0." in answer.content.decode()
    answer = operator.post("/admin/quotas/allowance/add/", {"tenant": alice.tenant.pk, "weight": "-1"})
    assert "It must be above 0." in answer.content.decode()
    assert not Allowance.objects.exists()


def test_another_plan_becomes_the_default_one(operator, alice, small):
    old = Plan.objects.create(name="Old", is_default=True)
    operator.post("/admin/quotas/plan/", {"action": "use_by_default", "_selected_action": [small.pk]})
    assert limits_of(alice.tenant).plan == "Small"
    assert not Plan.objects.get(pk=old.pk).is_default
    assert audited(None) == [("plan.changed", {"plan": "Old"}, {"plan": "Small"})]


def test_the_default_plan_is_not_deleted(operator, alice):
    Plan.objects.all().delete()
    plan = Plan.objects.create(name="Default", is_default=True)
    assert operator.post(f"/admin/quotas/plan/{plan.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Plan.objects.exists()


def test_a_tenants_page_shows_its_plan_and_changes_it(operator, alice, small, allow):
    allow(alice, plan=small)
    assert "Small" in operator.get("/admin/tenants/tenant/").content.decode()
    page = f"/admin/tenants/tenant/{alice.tenant.pk}/change/"
    answer = operator.post(page, tenant_form(alice) | {"allowance-0-plan": small.pk, "allowance-0-loras": "7"})
    assert answer.status_code == 302, answer.context["errors"]
    assert Tenant.objects.get(pk=alice.tenant.pk).time_zone == "Europe/Berlin"
    assert audited(alice.tenant) == [("limits.changed", {"loras": None}, {"loras": 7})]


def tenant_form(person):
    """Return the form of a tenant's page as it is sent unchanged, but for the time zone."""
    membership = Membership.objects.get(tenant=person.tenant)
    return {
        "name": person.tenant.name, "time_zone": "Europe/Berlin",
        "membership_set-TOTAL_FORMS": "1", "membership_set-INITIAL_FORMS": "1", "membership_set-0-id": membership.pk,
        "membership_set-0-tenant": person.tenant.pk, "membership_set-0-user": person.user.pk,
        "membership_set-0-role": "owner",
        "allowance-TOTAL_FORMS": "1", "allowance-INITIAL_FORMS": "1", "allowance-0-tenant": person.tenant.pk,
    }  # fmt: skip


def test_a_time_zone_that_there_is_not_is_refused(operator, alice):
    page = f"/admin/tenants/tenant/{alice.tenant.pk}/change/"
    answer = operator.post(page, tenant_form(alice) | {"time_zone": "Middle/Earth", "allowance-INITIAL_FORMS": "0"})
    assert "Select a valid choice" in answer.content.decode()
