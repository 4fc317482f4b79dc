"""What operators look at and change stands in the audit of the tenants that it is about."""

import pytest

from generation.models import GenerationJob
from tenants import audit
from tenants.models import ApiKey, AuditEvent, Membership

OLGA = "operator olga@example.com"


def told(person):
    """Return what the person's audit says, oldest first: who, what, to what."""
    events = AuditEvent.objects.for_tenant(person.tenant).order_by("number")
    return [(event.actor, event.action, event.subject) for event in events]


@pytest.fixture
def pages(alice, make_image, shelve):
    """Admin pages of rows of alice's, by name of the model."""
    image = make_image(alice, size="64x64")
    lora = shelve("kites", tenant=alice.tenant).lora
    return {
        "tenants/tenant": alice.tenant.pk,
        "tenants/user": alice.user.pk,
        "tenants/apikey": alice.key.pk,
        "generation/generationjob": image.job_id,
        "generation/image": image.pk,
        "loras/lora": lora.pk,
        "jobs/jobevent": GenerationJob.objects.get().tenant.jobevent_set.first().pk,
    }


def test_every_list_and_every_page_is_noted(operator, alice, charlie, pages):
    for page, pk in pages.items():
        before = len(told(alice))
        assert operator.get(f"/admin/{page}/").status_code == 200
        assert operator.get(f"/admin/{page}/{pk}/change/").status_code == 200
        seen = told(alice)[before:]
        assert seen == [(OLGA, "operator.viewed", ""), (OLGA, "operator.viewed", str(pk))], page
    assert {subject for _, _, subject in told(charlie)} == {""}  # whose rows stood in lists alone


def test_a_list_tells_only_the_tenants_whose_rows_are_on_the_page(operator, alice, charlie):
    operator.get(f"/admin/tenants/apikey/?tenant__id__exact={charlie.tenant.pk}")
    assert (told(alice), told(charlie)) == ([], [(OLGA, "operator.viewed", "")])


def test_operators_read_the_audit_and_change_nothing_in_it(operator, alice):
    audit.record("sign_in.failed", tenant=None, actor="mallory@example.com")
    audit.record("key.issued", tenant=alice.tenant, actor="alice@example.com")
    assert "mallory@example.com" in operator.get("/admin/tenants/auditevent/").content.decode()
    assert told(alice)[-1] == (OLGA, "operator.viewed", "")
    event = AuditEvent.objects.first()
    assert operator.post(f"/admin/tenants/auditevent/{event.pk}/change/", {"actor": "nobody"}).status_code == 403
    assert operator.post(f"/admin/tenants/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_page_that_is_not_shown_is_not_noted(operator, alice):
    assert operator.get("/admin/generation/image/img_none/change/").status_code == 302
    assert alice.browser.get(f"/admin/tenants/tenant/{alice.tenant.pk}/change/").status_code == 302
    assert told(alice) == []


def test_what_operators_do_is_noted(operator, alice):
    for kind, action, row in (
        ("tenant", "suspend", alice.tenant),
        ("tenant", "resume", alice.tenant),
        ("apikey", "revoke", alice.key),
    ):
        operator.post(f"/admin/tenants/{kind}/", {"action": action, "_selected_action": [row.pk]})
    acts = [act for act in told(alice) if act[1] != "operator.viewed"]
    assert [action for _, action, _ in acts] == ["tenant.suspended", "tenant.resumed", "key.revoked"]
    assert {actor for actor, _, _ in acts} == {OLGA}


def test_a_key_that_an_operator_makes_is_noted(operator, alice):
    fields = {"tenant": alice.tenant.pk, "name": "from above", "scopes": ["read"]}
    assert operator.post("/admin/tenants/apikey/add/", fields).status_code == 302
    key = ApiKey.objects.get(name="from above")
    assert told(alice) == [(OLGA, "key.issued", key.pk)]


def test_members_whom_an_operator_changes_are_noted(operator, alice, bob):
    member = Membership.objects.get(user=bob.user)
    first = Membership.objects.get(user=alice.user)
    form = {
        "name": "alice's studio",
        "time_zone": "UTC",
        "allowance-TOTAL_FORMS": "0",
        "allowance-INITIAL_FORMS": "0",
        "membership_set-TOTAL_FORMS": "2",
        "membership_set-INITIAL_FORMS": "2",
        "membership_set-0-id": first.pk,
        "membership_set-0-tenant": alice.tenant.pk,
        "membership_set-0-user": alice.user.pk,
        "membership_set-0-role": "owner",
        "membership_set-1-id": member.pk,
        "membership_set-1-tenant": alice.tenant.pk,
        "membership_set-1-user": bob.user.pk,
        "membership_set-1-role": "viewer",
    }
    operator.post(f"/admin/tenants/tenant/{alice.tenant.pk}/change/", form)
    changes = [act for act in told(alice) if act[1] != "operator.viewed"]
    assert changes == [(OLGA, "member.role_changed", "bob@example.com")]
