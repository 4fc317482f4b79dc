"""What do people see while the database is away? A page that says so, and when to come back."""

from urllib.parse import urlsplit

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from generation.links import link_to


@pytest.fixture(params=[OperationalError, InterfaceError])
def outage(request):
    """A database that answers no statement; used as a context."""

    def refuse(execute, sql, params, many, context):
        raise request.param("out of reach")

    return connection.execute_wrapper(refuse)


@pytest.mark.parametrize("page", ["/", "/history", "/developers", "/images/img_1", "/admin/"])
def test_every_page_says_so_and_when_to_come_back(alice, outage, page):
    with outage:
        answer = alice.browser.get(page)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database is out of reach." in answer.content.decode()
    assert "<h1>That did not work</h1>" in answer.content.decode()


def test_htmx_gets_the_sentence(alice, outage):
    with outage:
        answer = alice.browser.get("/worker-notice", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.content.decode().startswith("The database is out of reach.")


def test_signing_in_says_so(alice, outage):
    form = {"login": "alice@example.com", "password": "correct horse"}
    with outage:
        answer = Client().post("/sign-in", form)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_link_says_so_to_a_program(alice, make_image, outage):
    path = urlsplit(link_to(make_image(alice))).path
    with outage:
        answer = Client().get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "service_unavailable"
