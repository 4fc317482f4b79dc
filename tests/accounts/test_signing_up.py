"""From the sign-up page to a tenant of one's own and a first page."""

import threading

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from tenants.models import Membership, Tenant, User
from tests.accounts.acting import PASSWORD, link_in, sign_in, sign_up


def test_a_newcomer_signs_up_confirms_and_sees_the_first_page(open_house, mailoutbox):
    browser = Client()
    assert sign_up(browser, "Dora@Example.com")["Location"] == "/confirm-email"
    (mail,) = mailoutbox
    assert mail.to == ["dora@example.com"]
    answer = browser.post(link_in(mail), follow=True)
    assert answer.redirect_chain[-1] == ("/", 302)
    assert 'name="prompt"' in answer.content.decode()


def test_a_newcomer_owns_a_tenant_of_their_own(dora):
    membership = Membership.objects.get(user__email="dora@example.com")
    assert (membership.tenant.name, membership.role) == ("dora's studio", "owner")


def test_nobody_comes_in_before_the_address_is_confirmed(open_house, mailoutbox):
    sign_up(Client(), "dora@example.com")
    elsewhere = Client()
    assert sign_in(elsewhere, "dora@example.com")["Location"] == "/confirm-email"
    assert elsewhere.get("/")["Location"] == "/sign-in?next=/"


def test_a_link_opened_elsewhere_confirms_and_leaves_the_door_closed(open_house, mailoutbox):
    sign_up(Client(), "dora@example.com")
    elsewhere = Client()
    assert elsewhere.post(link_in(mailoutbox[0]))["Location"] == "/sign-in"
    assert elsewhere.get("/").status_code == 302
    assert sign_in(elsewhere, "dora@example.com")["Location"] == "/"


def test_opening_the_link_alone_confirms_nothing(open_house, mailoutbox):
    browser = Client()
    sign_up(browser, "dora@example.com")
    assert "Is this your address?" in browser.get(link_in(mailoutbox[0])).content.decode()
    assert sign_in(Client(), "dora@example.com")["Location"] == "/confirm-email"


def test_a_link_works_once_and_makes_one_tenant(dora, mailoutbox):
    assert "This link is used up" in Client().get(link_in(mailoutbox[0])).content.decode()
    assert Client().post(link_in(mailoutbox[0])).status_code == 404
    assert Tenant.objects.count() == 1


def test_two_who_sign_up_with_one_address_at_once_make_one_account(open_house):
    gate, answers = threading.Barrier(2), []

    def act():
        gate.wait()
        answers.append(sign_up(Client(), "dora@example.com")["Location"])
        connections.close_all()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["/confirm-email", "/confirm-email"]
    assert (User.objects.count(), Tenant.objects.count()) == (1, 1)


def test_sign_up_is_closed_unless_the_operator_opens_it(db):
    answer = Client().get("/sign-up")
    assert "new people come by invitation" in answer.content.decode()
    sign_up(Client(), "dora@example.com")
    assert not User.objects.exists()


def test_the_way_to_sign_up_is_shown_where_it_is_open(db, settings):
    assert "/sign-up" not in Client().get("/sign-in").content.decode()
    settings.SIGN_UP = True
    assert "/sign-up" in Client().get("/sign-in").content.decode()


@pytest.mark.parametrize("weak", ["short", "password123", "1234567890", "dora@example"])
def test_a_weak_password_is_refused_at_its_field(open_house, weak):
    page = sign_up(Client(), "dora@example.com", weak).content.decode()
    assert 'id="id_password1"' in page
    assert "errorlist" in page
    assert not User.objects.exists()


@pytest.mark.parametrize("nonsense", ["", "dora", "do ra@example.com", "a" * 250 + "@example.com", "d\x00@example.com"])
def test_an_address_that_is_none_is_refused_at_its_field(open_house, nonsense):
    answer = sign_up(Client(), nonsense)
    assert (answer.status_code, "email" in answer.context["form"].errors) == (200, True)


def test_without_a_mail_server_the_page_says_where_the_link_is(open_house, settings):
    assert "logs/web.log" in Client().get("/confirm-email").content.decode()
    settings.MAIL_SERVER = "there is one"
    assert "logs/web.log" not in Client().get("/confirm-email").content.decode()


def test_links_in_mails_start_with_our_address_whatever_the_request_claims(open_house, mailoutbox, settings):
    settings.ALLOWED_HOSTS = ["*"]
    browser = Client(HTTP_HOST="evil.example")
    sign_up(browser, "dora@example.com")
    assert "evil.example" not in mailoutbox[0].body
    assert "http://localhost:8000/confirm-email/" in mailoutbox[0].body


def test_a_mail_says_an_address_as_it_is(open_house, mailoutbox):
    sign_up(Client(), "o'neil+a&b@example.com")
    assert "o'neil+a&b@example.com" in mailoutbox[0].body


def test_a_mail_server_that_refuses_is_told_and_signing_in_sends_the_link_again(open_house, mailoutbox, settings):
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "tests.accounts.broken_mail.NoMail"
    answer = sign_up(Client(), "dora@example.com")
    assert (answer.status_code, answer["Retry-After"]) == (503, "300")
    assert "The mail server does not take our mail right now." in answer.content.decode()
    settings.EMAIL_BACKEND = working
    cache.clear()  # minutes later
    sign_in(Client(), "dora@example.com")
    assert len(mailoutbox) == 1


def test_the_password_is_not_kept_in_the_clear(dora):
    assert PASSWORD not in User.objects.get().password


def test_who_was_removed_everywhere_opens_a_tenant_of_their_own(open_house, alice, bob):
    Membership.objects.filter(user=bob.user).delete()
    assert "Open a tenant of your own" in bob.browser.get("/").content.decode()
    for _ in range(2):  # the second click finds the first one's
        assert bob.browser.post("/account/open-tenant")["Location"] == "/"
    assert list(bob.user.tenants.values_list("name", flat=True)) == ["bob's studio"]


def test_where_nobody_may_sign_up_nobody_opens_a_tenant_either(alice, bob):
    Membership.objects.filter(user=bob.user).delete()
    assert "Open a tenant of your own" not in bob.browser.get("/").content.decode()
    assert bob.browser.post("/account/open-tenant").status_code == 404
