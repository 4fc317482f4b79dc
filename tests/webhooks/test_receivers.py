"""Whatever a receiver does, it is left in time, nothing of its answer is kept, and nobody else waits for it."""

import time
from dataclasses import replace

import pytest

from tests.generation.intake.test_fetching import cut_off, endless, nonsense, trickle, trickled_header
from tests.tls import HOST
from tests.webhooks.conftest import HERE, ROUTE, Office
from webhooks.courier import Courier
from webhooks.models import Delivery, DeliveryAttempt


@pytest.fixture
def hook(alice, listen):
    """A webhook of alice's at /hook."""
    return listen(alice)


@pytest.fixture
def send_test(alice, hook, office):
    """Send the webhook a test, by this sender or another, and return its delivery."""

    def send(sender=office):
        alice.api.post(f"{ROUTE}/{hook['id']}/test")
        sender.send_due()
        return Delivery.objects.latest("pk")

    return send


@pytest.fixture
def sender_with(guard, clock):
    """Return a sender whose guard differs."""
    return lambda **changes: Office(Courier(replace(guard, **changes)), clock=clock)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(site, send_test, status):
    site.serve("/hook", b"", status, Location=site.serve("/inside", b""))
    assert send_test().state == "pending"
    assert [post.path for post in site.received] == ["/hook"]
    assert DeliveryAttempt.objects.get().status == status


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [HERE, "169.254.169.254"], []])
def test_a_name_that_leads_inside_by_now_is_not_asked(site, send_test, sender_with, addresses):
    flipped = sender_with(resolve=lambda host: addresses)
    assert send_test(flipped).state == "pending"
    assert site.received == []
    assert "public internet" in DeliveryAttempt.objects.get().error


def test_a_name_that_flips_is_asked_for_once(send_test, sender_with):
    answers = iter([[HERE], ["10.0.0.1"]])
    flipping = sender_with(resolve=lambda host: next(answers))
    assert send_test(flipping).state == "delivered"


def test_the_addresses_of_hosts_that_the_operator_names_are_not_looked_at(site, send_test, sender_with):
    trusting = sender_with(is_allowed=lambda address: False, named=frozenset([f"{HOST}:{site.port}"]))
    assert send_test(trusting).state == "delivered"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("answer", "state"),
    [(endless, "delivered"), (trickle, "delivered"), (trickled_header, "pending"), (nonsense, "pending")],
)
def test_a_receiver_that_will_not_end_is_left_in_time(site, office, send_test, answer, state):
    site.serve_by("/hook", answer)
    started = time.monotonic()
    assert send_test().state == state
    assert time.monotonic() - started < office.courier.seconds + 1.5


def test_an_answer_that_breaks_off_behind_its_status_has_said_enough(site, send_test):
    site.serve_by("/hook", cut_off)
    assert send_test().state == "delivered"


def test_nothing_of_an_answer_but_its_status_is_kept(alice, hook, site, send_test):
    site.serve("/hook", b"the inside of a network", 500)
    delivery = send_test()
    shown = alice.api.get(f"{ROUTE}/{hook['id']}/deliveries").content
    assert b"inside" not in shown
    assert [(each.status, each.error) for each in delivery.log.all()] == [(500, "")]


def test_gone_disables_the_webhook_and_says_so(alice, hook, site, office, send_test):
    alice.api.post(f"{ROUTE}/{hook['id']}/test")
    site.serve("/hook", b"", 410)
    office.lanes.strikes[hook["id"]] = 5  # one at a time
    send_test()
    shown = alice.api.get(f"{ROUTE}/{hook['id']}").json()
    assert (shown["status"], "410" in shown["disabled_because"]) == ("disabled", True)
    assert {each.state for each in Delivery.objects.all()} == {"dead"}
    assert [post.path for post in site.received] == ["/hook"]
    assert b"410" in alice.browser.get("/settings/webhooks").content


def test_gone_ends_a_message_to_an_address_that_a_request_named(alice, site, office, settings, run_jobs):
    settings.WEBHOOK_HOSTS = [f"{HOST}:{site.port}"]
    webhook = {"url": site.serve("/mine", b"", 410), "events": ["completed"]}
    alice.api.post("/api/v1/generations", {"prompt": "a kite", "size": "64x64", "steps": 1, "webhook": webhook})
    run_jobs()
    office.send_due()
    assert Delivery.objects.get().state == "dead"
