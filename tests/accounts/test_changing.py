"""What people change about their account: the password, forgotten or not, the address, where they are signed in."""

import pytest
from django.core.cache import cache
from django.test import Client

from tenants.models import User
from tests.accounts.acting import HORSE, confirm_it_is_me, link_in, sign_in

ALICE = "alice@example.com"
NEW = {"password1": "three lamps in the dark", "password2": "three lamps in the dark"}


def signed_in(person) -> Client:
    """Return another browser of theirs, signed in by the form."""
    browser = Client()
    assert sign_in(browser, person.user.email, HORSE).status_code == 302
    return browser


def reset(mailoutbox, email: str = ALICE) -> Client:
    """Ask for a link, follow it and return the browser that stands before the form."""
    Client().post("/password-reset", {"email": email})
    browser = Client()
    form = browser.get(link_in(mailoutbox[-1]))["Location"]
    assert form.endswith("/set-password")
    browser.form = form
    return browser


def test_a_forgotten_password_is_replaced_and_old_sessions_end(alice, mailoutbox):
    before = signed_in(alice)
    browser = reset(mailoutbox)
    assert browser.post(browser.form, NEW)["Location"] == "/password-reset/done"
    assert before.get("/").status_code == 302
    assert alice.browser.get("/").status_code == 302
    assert sign_in(Client(), ALICE, NEW["password1"])["Location"] == "/"
    assert sign_in(Client(), ALICE, HORSE).status_code == 200


def test_a_reset_link_works_once(alice, mailoutbox):
    browser = reset(mailoutbox)
    browser.post(browser.form, NEW)
    assert "This link is used up" in Client().get(link_in(mailoutbox[0])).content.decode()


@pytest.mark.parametrize("link", ["1/abc-def", "zzzz/set-password", "1/set-password", "0/0", "zzzzzzzzzzzzz/x", "-/-"])
def test_a_made_up_link_is_refused(alice, link):
    assert "This link is used up" in Client().get(f"/password-reset/{link}").content.decode()


def test_a_forgotten_password_of_nobody_is_told_in_the_mail_alone(alice, mailoutbox):
    Client().post("/password-reset", {"email": "nobody@example.com"})
    assert "No account has this address." in mailoutbox[0].body
    assert "/sign-up" not in mailoutbox[0].body


def test_nobody_fills_a_mailbox_with_links(alice, mailoutbox):
    answers = [Client().post("/password-reset", {"email": ALICE}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert answers[-1]["Retry-After"] == "60"
    assert len(mailoutbox) == 5


def test_changing_the_password_keeps_this_browser_and_ends_the_others(alice, mailoutbox):
    here, elsewhere = signed_in(alice), signed_in(alice)
    assert here.post("/account/password", {"oldpassword": HORSE} | NEW)["Location"] == "/account/"
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert mailoutbox[-1].subject == "Your Darkroom password was changed"


def test_the_old_password_is_needed_for_a_new_one(alice):
    page = alice.browser.post("/account/password", {"oldpassword": "wrong"} | NEW).content.decode()
    assert "That is not your current password." in page


def test_an_address_changes_once_the_new_one_is_confirmed(alice, mailoutbox):
    browser = signed_in(alice)
    confirm_it_is_me(browser)
    browser.post("/account/email", {"email": "alicia@example.com", "action_add": ""})
    assert User.objects.get().email == ALICE
    assert "Changing to alicia@example.com" in browser.get("/account/").content.decode()
    browser.post(link_in(mailoutbox[-1]))
    assert User.objects.get().email == "alicia@example.com"
    assert sign_in(Client(), "alicia@example.com", HORSE)["Location"] == "/"


def test_an_address_does_not_change_without_the_password(alice, mailoutbox):
    alice.browser.post("/account/email", {"email": "thief@example.com", "action_add": ""})
    assert mailoutbox == []


def test_an_address_of_somebody_else_cannot_be_taken(alice, charlie, mailoutbox):
    confirm_it_is_me(alice.browser)
    alice.browser.post("/account/email", {"email": "charlie@example.com", "action_add": ""})
    answer = charlie.browser.post(link_in(mailoutbox[-1]), follow=True)
    assert "another account has it" in answer.content.decode()
    assert User.objects.filter(email=ALICE).exists()


def test_an_account_that_an_operator_made_keeps_its_address_while_another_is_pending(alice, mailoutbox):
    confirm_it_is_me(alice.browser)
    for email in ("first@example.com", "second@example.com"):
        alice.browser.post("/account/email", {"email": email, "action_add": ""})
    alice.browser.post("/account/email", {"email": "second@example.com", "action_remove": ""})
    assert User.objects.get().email == ALICE
    assert sign_in(Client(), ALICE, HORSE)["Location"] == "/"


def test_what_an_operator_corrects_counts_at_once_and_the_old_address_no_longer(operator, alice, mailoutbox):
    signed_in(alice)
    form = {"email": "alicia@example.com", "is_active": "on"}
    assert operator.post(f"/admin/tenants/user/{alice.user.pk}/change/", form).status_code == 302
    assert sign_in(Client(), "alicia@example.com", HORSE)["Location"] == "/"
    Client().post("/password-reset", {"email": ALICE})
    assert "No account has this address." in mailoutbox[-1].body


def test_signing_out_elsewhere_leaves_this_browser_alone(alice):
    here, elsewhere = signed_in(alice), signed_in(alice)
    page = here.post("/account/sign-out-elsewhere", follow=True).content.decode()
    assert "Signed out in 1 other place." in page
    assert elsewhere.get("/account/").status_code == 302


def test_the_account_lists_where_somebody_is_signed_in(alice):
    phone = Client(headers={"User-Agent": "Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36"})
    sign_in(phone, ALICE, HORSE)
    page = signed_in(alice).get("/account/").content.decode()
    assert "Chrome on Android" in page
    assert page.count("this browser") == 1


def test_the_account_takes_as_many_queries_however_often_somebody_is_signed_in(alice, django_assert_max_num_queries):
    browser = signed_in(alice)
    for _ in range(5):
        signed_in(alice)
        cache.clear()
    with django_assert_max_num_queries(9):
        browser.get("/account/")


def test_a_closed_account_stays_out(alice):
    User.objects.update(is_active=False)
    assert "do not fit together" in sign_in(Client(), ALICE, HORSE).content.decode()


def test_a_sign_in_needs_no_store(alice):
    """No store runs beside these tests: what bounds guesses lies in the database."""
    assert sign_in(Client(), ALICE, HORSE)["Location"] == "/"
