"""What an operator does with tenants and keys takes effect at once."""

from tenants.models import Tenant

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


def test_a_tenant_is_never_deleted(operator, alice):
    answer = operator.post(f"/admin/tenants/tenant/{alice.tenant.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert "delete_selected" not in operator.get("/admin/tenants/tenant/").content.decode()
    assert Tenant.objects.filter(pk=alice.tenant.pk).exists()
