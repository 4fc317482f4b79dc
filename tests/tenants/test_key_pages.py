"""The pages of keys and of the audit, for owners and admins."""

import re
from html import unescape

import pytest

from tenants import audit
from tenants.models import ApiKey, Membership
from tests.conftest import Api

FORM = {"name": "the shop", "scopes": ["read", "generate"], "lifetime": "30"}


def text(answer):
    """Return the page."""
    return answer.content.decode()


def test_a_key_is_made_and_shown_once(alice):
    answer = alice.browser.post("/settings/keys", FORM)
    secret = re.search(r"sdx_live_\w{36}", text(answer))[0]
    assert Api(secret).get("/api/v1/generations").status_code == 200
    assert answer["Cache-Control"] == "no-store, private"
    assert secret not in text(alice.browser.get("/settings/keys"))
    assert ApiKey.objects.get(name="the shop").created_by == alice.user


def test_a_form_that_is_sent_again_makes_no_second_key(alice):
    shown = text(alice.browser.get("/settings/keys"))
    form = FORM | {"key_id": re.search(r'name="key_id" value="(\S+)"', shown)[1]}
    first, again = (alice.browser.post("/settings/keys", form, follow=True) for _ in range(2))
    assert "sdx_live_" in text(first)
    assert again.redirect_chain == [("/settings/keys", 302)]
    assert "That form had made its key already" in text(again)
    assert ApiKey.objects.filter(name="the shop").count() == 1


def test_nobody_chooses_the_id_of_a_key(alice, charlie):
    alice.browser.post("/settings/keys", FORM | {"key_id": charlie.key.pk})
    assert ApiKey.objects.get(name="the shop").tenant == alice.tenant


def test_a_key_is_limited_by_ticking_boxes(alice, shelve):
    lora = shelve("kites").lora
    assert alice.browser.post("/settings/keys", FORM | {"loras": [lora.pk]}).status_code == 200
    key = ApiKey.objects.get(name="the shop")
    assert (key.loras, key.checkpoints) == ([lora.pk], None)
    assert "only the LoRA kites" in text(alice.browser.get("/settings/keys"))


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["all"]}, {"requests_per_minute": "0"}, {"lifetime": "9"}]
)
def test_what_is_wrong_stands_beside_its_field(alice, wrong):
    answer = alice.browser.post("/settings/keys", FORM | wrong)
    assert answer.status_code == 422
    assert "errorlist" in text(answer)
    assert ApiKey.objects.count() == 1


def test_a_key_without_a_scope_is_refused_in_words_that_fit_boxes(alice):
    assert "Tick at least one." in text(alice.browser.post("/settings/keys", FORM | {"scopes": []}))


def test_a_key_is_rotated_and_the_old_one_goes_on(alice):
    answer = alice.browser.post(f"/settings/keys/{alice.key.pk}/rotate")
    secret = re.search(r"sdx_live_\w{36}", text(answer))[0]
    assert [Api(each).get("/api/v1/generations").status_code for each in (secret, alice.secret)] == [200, 200]
    assert re.search(r"goes on until <time datetime=\"20\d\d-", text(answer))
    again = alice.browser.post(f"/settings/keys/{alice.key.pk}/rotate")
    assert again.status_code == 409
    assert "taken this key" in text(again)


def test_a_key_is_revoked(alice):
    assert alice.browser.post(f"/settings/keys/{alice.key.pk}/revoke").status_code == 302
    assert alice.api.get("/api/v1/generations").status_code == 401
    assert "revoked" in text(alice.browser.get("/settings/keys"))


@pytest.mark.parametrize("act", ["rotate", "revoke"])
def test_another_tenants_key_looks_like_none(alice, charlie, act):
    foreign, missing = (
        charlie.browser.post(f"/settings/keys/{key_id}/{act}") for key_id in (alice.key.pk, "key_" + "0" * 26)
    )
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert ApiKey.objects.get(pk=alice.key.pk).status == "active"


def test_many_keys_take_as_many_queries_as_one(alice, django_assert_num_queries, shelve):
    lora = shelve("kites").lora
    for number in range(5):
        alice.api.post("/api/v1/keys", {"name": f"key {number}", "scopes": ["read"], "loras": [lora.pk]})
    alice.browser.get("/settings/keys")
    # session, user, membership, other tenants; keys, their LoRAs; what can be chosen: two
    with django_assert_num_queries(8):
        assert text(alice.browser.get("/settings/keys")).count("only the LoRA kites") == 5


@pytest.mark.parametrize("address", ["/settings/keys", "/settings/audit", "/api/v1/audit", "/api/v1/keys"])
def test_members_see_neither_keys_nor_audit(bob, address):
    assert bob.browser.get(address).status_code == 403
    Membership.objects.filter(user=bob.user).update(role="admin")
    assert bob.browser.get(address).status_code == 200


def test_the_audit_is_listed_newest_first_and_filtered(alice, charlie):
    for action in ("key.issued", "key.revoked", "member.invited"):
        audit.record(action, tenant=alice.tenant, actor=alice.user.email, subject="x", detail={"n": 1})
    audit.record("key.issued", tenant=charlie.tenant, actor=alice.user.email)

    def found(query):
        return [each["action"] for each in alice.api.get(f"/api/v1/audit?{query}").json()["data"]]

    assert found("") == ["member.invited", "key.revoked", "key.issued"]
    assert found("action=key.") == found("action=key.&actor=alice@example.com") == ["key.revoked", "key.issued"]
    assert found("action=key.revoked") == ["key.revoked"]
    assert found("actor=bob@example.com") == []


def test_the_audit_is_paged_with_as_many_queries_for_many(alice, django_assert_num_queries):
    for number in range(5):
        audit.record("key.issued", tenant=alice.tenant, actor="x", subject=str(number))
    alice.api.get("/api/v1/audit")
    with django_assert_num_queries(2):  # whose key is this, and the page
        first = alice.api.get("/api/v1/audit?limit=3").json()
    rest = alice.api.get(f"/api/v1/audit?after={first['last_id']}").json()
    assert [each["number"] for each in first["data"] + rest["data"]] == [5, 4, 3, 2, 1]
    assert set(first["data"][0]) == {
        "id", "object", "number", "created_at", "actor", "action", "subject", "detail", "address", "digest",
    }  # fmt: skip


@pytest.mark.parametrize("query", ["action=%00", "actor=" + "x" * 255, "after=aud_x", "limit=0"])
def test_a_bad_filter_is_named(alice, query):
    answer = alice.api.get(f"/api/v1/audit?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])


def test_the_audits_page_shows_who_did_what_from_where(alice):
    alice.browser.post("/settings/keys", FORM)
    page = text(alice.browser.get("/settings/audit?action=key."))
    for said in ("alice@example.com", "key.issued", ApiKey.objects.get(name="the shop").pk, "127.0.0.1", "the shop"):
        assert said in page
    assert "Show everything" in text(alice.browser.get("/settings/audit?actor=nobody"))


def test_a_key_is_found_in_the_audit_by_its_name_and_by_the_id_on_its_page(alice):
    alice.api.post("/api/v1/keys", {"name": "the shop", "scopes": ["read"]})
    assert alice.key.pk in text(alice.browser.get("/settings/keys"))
    page = unescape(text(alice.browser.get(f"/settings/audit?actor={alice.key.pk}")))
    assert f"alice's program <code>{alice.key.pk}</code>" in page
