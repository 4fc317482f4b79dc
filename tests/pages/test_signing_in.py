"""Can members get in, and nobody else?"""

from html import unescape

import pytest
from django.test import Client

from tenants.models import Membership, User
from tenants.services import suspend_tenant

PAGES = ["/", "/history", "/developers", "/images/img_1", "/generations/gen_1"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_asks_strangers_to_sign_in(db, page):
    answer = Client().get(page)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next={page}")


def test_a_member_signs_in_and_arrives_where_they_wanted(alice):
    form = {"login": "Alice@Example.com", "password": "correct horse"}
    answer = Client().post("/sign-in?next=/history", form, follow=True)
    assert answer.redirect_chain == [("/history", 302)]
    assert "alice@example.com" in answer.content.decode()


def test_a_wrong_password_is_told_kindly(alice):
    answer = Client().post("/sign-in", {"login": "alice@example.com", "password": "wrong"})
    assert "That e-mail and password do not fit together." in answer.content.decode()


def test_signing_out_ends_the_session(alice):
    alice.browser.post("/sign-out")
    assert alice.browser.get("/").status_code == 302


def test_htmx_is_led_to_the_sign_in_page_as_a_whole(db):
    answer = Client().get(
        "/worker-notice", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/history"}
    )
    assert answer["HX-Redirect"] == "/sign-in?next=/history"


def test_somebody_without_a_tenant_is_told_so(db):
    browser = Client()
    browser.force_login(User.objects.create_user("dora@example.com", "correct horse"))
    answer = browser.get("/")
    assert answer.status_code == 403
    assert "You belong to no tenant yet" in answer.content.decode()


def test_a_suspended_tenant_is_told_so(alice):
    alice.tenant.suspended_at = alice.tenant.created_at
    alice.tenant.save()
    answer = alice.browser.get("/history")
    assert answer.status_code == 403
    assert "This tenant is suspended." in answer.content.decode()


def test_a_suspended_tenant_is_left_by_a_button(alice, charlie):
    Membership.objects.create(tenant=charlie.tenant, user=alice.user)
    suspend_tenant(alice.tenant)
    door = unescape(alice.browser.get("/history").content.decode()).partition("<main")[2]
    assert "Change to charlie's studio" in door
    assert "Sign out" in door
    assert "Back to Create" not in door


def test_a_form_without_its_token_is_refused(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    answer = browser.post("/", {"prompt": "a red kite"})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()


def test_htmx_is_told_in_a_sentence_that_a_form_is_too_old_and_how_to_go_on(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    answer = browser.post("/", {"prompt": "a red kite"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert "Reload the page" in answer.content.decode()
