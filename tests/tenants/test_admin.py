"""What an operator does with tenants and keys takes effect at once."""

from tenants.models import Membership, Tenant

ROUTE = "/api/v1/generations"


def act(operator, kind, action, row):
    """Do one of the actions above a list."""
    form = {"action": action, "_selected_action": [row.pk]}
    assert operator.post(f"/admin/tenants/{kind}/", form).status_code == 302


def test_a_tenant_is_suspended_and_resumed(operator, alice):
    act(operator, "tenant", "suspend", alice.tenant)
    assert alice.api.get(ROUTE).json()["error"]["code"] == "account_suspended"
    act(operator, "tenant", "resume", alice.tenant)
    assert alice.api.get(ROUTE).status_code == 200


def test_suspending_again_keeps_the_date(operator, alice):
    act(operator, "tenant", "suspend", alice.tenant)
    since = Tenant.objects.get().suspended_at
    act(operator, "tenant", "suspend", alice.tenant)
    assert Tenant.objects.get().suspended_at == since


def test_a_key_is_revoked(operator, alice):
    act(operator, "apikey", "revoke", alice.key)
    assert alice.api.get(ROUTE).json()["error"]["code"] == "api_key_revoked"


def test_an_operator_adds_a_member_and_changes_a_role(operator, alice, charlie):
    path = f"/admin/tenants/tenant/{alice.tenant.pk}/change/"
    own = Membership.objects.get(user=alice.user)
    form = {
        "name": "Studio", "time_zone": "Europe/Berlin",
        "allowance-TOTAL_FORMS": 0, "allowance-INITIAL_FORMS": 0,
        "membership_set-TOTAL_FORMS": 2, "membership_set-INITIAL_FORMS": 1,
        "membership_set-0-id": own.pk, "membership_set-0-user": alice.user.pk, "membership_set-0-role": "owner",
        "membership_set-1-user": charlie.user.pk, "membership_set-1-role": "admin",
    }  # fmt: skip
    assert operator.post(path, form).status_code == 302
    assert Membership.objects.get(tenant=alice.tenant, user=charlie.user).role == "admin"


def test_a_time_zone_is_one_in_the_console_too(operator, alice):
    form = {"name": "Studio", "time_zone": "Mars/Olympus"}
    form |= {
        "allowance-TOTAL_FORMS": "0",
        "allowance-INITIAL_FORMS": "0",
        "membership_set-TOTAL_FORMS": 0,
        "membership_set-INITIAL_FORMS": 0,
    }
    page = operator.post(f"/admin/tenants/tenant/{alice.tenant.pk}/change/", form)
    assert "Select a valid choice." in page.content.decode()


def test_a_tenant_is_never_deleted(operator, alice):
    answer = operator.post(f"/admin/tenants/tenant/{alice.tenant.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert "delete_selected" not in operator.get("/admin/tenants/tenant/").content.decode()
    assert Tenant.objects.filter(pk=alice.tenant.pk).exists()
