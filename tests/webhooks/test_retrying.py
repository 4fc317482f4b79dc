"""A message is tried for three days, in virtual time here; it bears one id however often it goes."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils.dateparse import parse_datetime

from tests.webhooks.conftest import ROUTE, Office
from webhooks import deliveries
from webhooks.cleaning import KEPT, remove_old
from webhooks.courier import Answer, Courier
from webhooks.deliveries import GONE, LEASE, PAUSES, TRIED_FOR, pause_after
from webhooks.lanes import REST, STRIKES
from webhooks.models import Delivery, DeliveryAttempt, Endpoint, Message, Secret
from webhooks.outbox import Happening, record


@pytest.fixture
def failing(alice, listen, site):
    """A delivery to a webhook that answers 503."""
    hook = listen(alice, status=503)
    return Delivery.objects.get(pk=alice.api.post(f"{ROUTE}/{hook['id']}/test").json()["id"])


def test_the_schedule_is_that_of_standard_webhooks_and_then_it_is_dead(failing, office, clock, site):
    waits = []
    for _ in PAUSES:
        office.send_due()
        failing.refresh_from_db()
        waits.append(failing.due_at - clock.now)
        clock.turn_to(failing.due_at)
    office.send_due()
    failing.refresh_from_db()
    assert (failing.state, failing.attempts, failing.log.count()) == ("dead", 10, 10)
    assert all(pause <= wait <= pause * 1.1 for wait, pause in zip(waits, PAUSES, strict=True))
    assert len({(post.headers["webhook-id"], post.body) for post in site.received}) == 1
    assert len({post.headers["webhook-signature"] for post in site.received}) == 10


def test_an_endpoint_to_which_nothing_got_through_is_disabled(failing, office, clock):
    Delivery.objects.update(attempts=len(PAUSES))
    office.send_due()
    assert "three days" in Endpoint.objects.get().disabled_because


def test_what_waits_for_a_server_that_was_dead_for_days_dies_with_the_oldest(alice, site, office, clock):
    record([Happening(alice.tenant.pk, "job.completed", f"gen_{name}", site.serve("/mine", b"", 500)) for name in "ab"])
    oldest, younger = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=oldest.pk).update(created_at=clock.now - TRIED_FOR - timedelta(minutes=1))
    Delivery.objects.filter(pk=younger.pk).update(due_at=clock.now + timedelta(hours=1))
    office.send_due()
    assert {each.state for each in Delivery.objects.all()} == {"dead"}
    assert len(site.received) == 1


def test_an_endpoint_that_heard_something_meanwhile_is_kept(alice, failing, office, clock):
    arrived = alice.api.post(f"{ROUTE}/{failing.endpoint_id}/test").json()["id"]
    Delivery.objects.filter(pk=arrived).update(state="delivered", ended_at=clock.now)
    Delivery.objects.filter(pk=failing.pk).update(attempts=len(PAUSES))
    office.send_due()
    failing.refresh_from_db()
    assert (failing.state, failing.endpoint.disabled_at) == ("dead", None)


def test_a_receiver_may_ask_for_a_longer_pause_and_for_no_shorter_one(clock):
    hour = timedelta(hours=1)
    assert pause_after(1, "3600", clock.now) == hour
    assert hour - timedelta(seconds=2) < pause_after(1, format_datetime(clock.now + hour), clock.now) <= hour
    assert pause_after(2, "1", clock.now) >= PAUSES[1]
    assert pause_after(1, "9" * 50, clock.now) == timedelta(hours=24)


@pytest.mark.parametrize("nonsense", ["", "soon", "-5", "1.5", "Mon, 99 Foo", "Mon, 01 Jan 2024 00:00:00 +99999999999"])
def test_a_pause_that_says_nothing_changes_nothing(clock, nonsense):
    assert PAUSES[0] <= pause_after(1, nonsense, clock.now) <= PAUSES[0] * 1.1


def test_a_message_that_failed_arrives_when_the_receiver_is_back(failing, office, clock, site):
    office.send_due()
    site.serve("/hook", b"")
    office.send_due()
    assert len(site.received) == 1  # it is not due yet
    clock.turn_to(clock.now + PAUSES[0] * 1.1)
    office.send_due()
    failing.refresh_from_db()
    assert (failing.state, [each.status for each in failing.log.all()]) == ("delivered", [503, 200])


def test_a_receiver_is_seen_to_fail_from_the_first_failure_to_the_next_success(alice, failing, office, clock, site):
    own = f"{ROUTE}/{failing.endpoint_id}"
    office.send_due()
    since = alice.api.get(own).json()["failing_since"]
    clock.turn_to(clock.now + PAUSES[0] * 1.1)
    office.send_due()
    assert alice.api.get(own).json()["failing_since"] == since is not None
    site.serve("/hook", b"")
    clock.turn_to(clock.now + PAUSES[1] * 1.1)
    office.send_due()
    assert alice.api.get(own).json()["failing_since"] is None


def test_a_failure_at_a_former_address_is_none_of_the_present_one(alice, failing, clock):
    Endpoint.objects.update(url="https://93.184.216.34/present")  # while an attempt is under way
    deliveries.note_standing(failing, clock.now, arrived=False, rests_until=clock.now + REST)
    assert alice.api.get(f"{ROUTE}/{failing.endpoint_id}").json()["failing_since"] is None


def test_no_attempt_is_promised_before_a_receiver_has_rested(alice, failing, office, clock):
    office.lanes.strikes[failing.lane] = STRIKES - 1
    office.send_due()
    (shown,) = alice.api.get(f"{ROUTE}/deliveries").json()["data"]
    assert parse_datetime(shown["next_attempt_at"]) == clock.now + REST


def test_of_what_is_enabled_again_no_failure_is_known(alice, failing, office):
    own = f"{ROUTE}/{failing.endpoint_id}"
    office.send_due()
    for status in ("disabled", "enabled"):
        changed = alice.api.patch(own, {"status": status}, content_type="application/json").json()
    assert changed["failing_since"] is None


def test_of_two_senders_one_takes_an_attempt(failing, clock):
    twin = Delivery.objects.get(pk=failing.pk)
    assert [deliveries.take(each, clock.now) for each in (failing, twin)] == [True, False]
    assert deliveries.due(clock.now, lanes=[], tenants=[], most=9) == []


@pytest.fixture
def late(failing, clock):
    """The same delivery, as a sender knows it whose attempt has taken so long that another sender may make the next."""
    it = Delivery.objects.get(pk=failing.pk)
    assert deliveries.take(it, clock.now)
    clock.turn_to(clock.now + LEASE)
    return it


def test_what_has_arrived_meanwhile_stays_delivered(late, failing, office, clock, site):
    site.serve("/hook", b"")
    office.send_due()
    deliveries.settle(late, Answer(GONE, ""), clock.now)
    failing.refresh_from_db()
    assert failing.state == "delivered"


def test_what_another_sender_tries_meanwhile_is_left_to_it(late, failing, clock):
    failing.refresh_from_db()
    assert deliveries.take(failing, clock.now)
    deliveries.settle(late, Answer(503, ""), clock.now)
    failing.refresh_from_db()
    assert failing.due_at == clock.now + LEASE


def test_what_a_dead_sender_took_is_sent_again_under_the_same_id(failing, guard, office, clock, site):
    site.serve("/hook", b"")
    dying = Office(Courier(guard), clock=clock)
    dying.look()
    dying.answers.get(timeout=20)  # sent, and never written down
    office.send_due()
    assert len(site.received) == 1
    clock.turn_to(clock.now + LEASE)
    office.send_due()
    failing.refresh_from_db()
    assert (failing.state, failing.log.count()) == ("delivered", 1)
    assert len({post.headers["webhook-id"] for post in site.received}) == 1
    assert len(site.received) == 2


def test_a_delivery_that_every_sender_died_of_is_given_up(failing, office, site):
    Delivery.objects.update(attempts=len(PAUSES) + 1)
    office.send_due()
    failing.refresh_from_db()
    assert (failing.state, site.received) == ("dead", [])


def test_a_replay_sends_the_same_message_again(alice, failing, office, site):
    site.serve("/hook", b"")
    office.send_due()
    again = alice.api.post(f"{ROUTE}/{failing.endpoint_id}/deliveries/{failing.pk}/replay")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    office.send_due()
    first, second = site.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    failing.refresh_from_db()
    assert (failing.state, failing.log.count()) == ("delivered", 2)


def test_a_replay_of_what_is_tried_anyway_makes_it_due_now(alice, failing, office, clock, site):
    office.send_due()
    alice.api.post(f"{ROUTE}/deliveries/{failing.pk}/replay")
    site.serve("/hook", b"")
    office.send_due()
    failing.refresh_from_db()
    assert (failing.state, failing.attempts) == ("delivered", 2)


def test_a_replay_while_an_attempt_is_under_way_goes_after_it(alice, failing, office, site):
    site.serve("/hook", b"")
    office.look()
    alice.api.post(f"{ROUTE}/deliveries/{failing.pk}/replay")
    office.look()
    assert len(office.under_way) == 1
    office.note(20)
    failing.refresh_from_db()
    assert failing.state == "delivered"


def test_what_waits_and_what_is_replayed_goes_where_the_webhook_listens_now(alice, failing, office, site):
    own, moved = f"{ROUTE}/{failing.endpoint_id}", site.serve("/moved", b"")
    alice.api.patch(own, {"url": moved}, content_type="application/json")
    office.send_due()
    alice.api.patch(own, {"url": site.serve("/again", b"")}, content_type="application/json")
    alice.api.post(f"{own}/deliveries/{failing.pk}/replay")
    office.send_due()
    assert [post.path for post in site.received] == ["/moved", "/again"]


def test_deleting_a_webhook_while_it_is_told_harms_nobody(alice, failing, office):
    office.look()
    alice.api.delete(f"{ROUTE}/{failing.endpoint_id}")
    office.note(20)
    assert not DeliveryAttempt.objects.exists()
    assert not office.under_way


def test_after_a_month_messages_and_retired_secrets_are_forgotten(alice, failing, office, clock):
    office.send_due()
    alice.api.post(f"{ROUTE}/{failing.endpoint_id}/rotate")
    remove_old()
    assert (Message.objects.count(), Secret.objects.count()) == (1, 2)
    Message.objects.update(created_at=clock.now - KEPT - timedelta(minutes=1))
    Secret.objects.exclude(retires_at=None).update(retires_at=clock.now - timedelta(hours=1))
    remove_old()
    assert (Message.objects.count(), Delivery.objects.count(), DeliveryAttempt.objects.count()) == (0, 0, 0)
    assert Secret.objects.count() == 1
