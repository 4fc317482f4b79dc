"""Slow and dead receivers hold up their own messages, and nobody else's."""

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections

from tenants.models import Tenant
from tests.webhooks.conftest import ROUTE, Office
from webhooks.courier import Courier
from webhooks.lanes import PER_LANE, REST, STRIKES, Lanes
from webhooks.models import Delivery, Endpoint
from webhooks.outbox import Happening, record
from webhooks.secrets import add_secret
from webhooks.sender import ROOM, Sender


@pytest.fixture
def slow(site):
    """A path that answers when the test is over, and the event that ends it."""
    over = threading.Event()

    def answer(handler):
        over.wait(30)
        handler.send_response(200)
        handler.end_headers()

    yield site.serve_by("/slow", answer)
    over.set()


def tenant_with_slow_endpoints(number: int, url: str, *, messages: int = 5) -> Tenant:
    """A tenant with twenty endpoints, each of which is to hear of several things."""
    tenant = Tenant.objects.create(name=f"tenant {number}")
    for _ in range(20):
        add_secret(tenant.pk, Endpoint.objects.create(tenant=tenant, url=url))
    record([Happening(tenant.pk, "job.completed", "gen_none") for _ in range(messages)])
    return tenant


def test_a_hundred_slow_receivers_hold_up_nobody_else(charlie, listen, guard, slow):
    hook = listen(charlie)
    for number in range(5):
        tenant_with_slow_endpoints(number, slow)
    office = Office(Courier(guard, seconds=25))
    office.look()
    charlie.api.post(f"{ROUTE}/{hook['id']}/test")
    started = time.monotonic()
    office.look()
    office.note(20)
    assert Delivery.objects.get(tenant=charlie.tenant).state == "delivered"
    assert time.monotonic() - started < 10  # while each of the others takes 25 s
    assert 0 < len(office.under_way) < ROOM


def test_an_endpoint_is_asked_by_two_at_a_time(charlie, listen, site, guard, slow):
    hook = listen(charlie, "/hook")
    Endpoint.objects.update(url=slow)
    for _ in range(6):
        charlie.api.post(f"{ROUTE}/{hook['id']}/test")
    office = Office(Courier(guard, seconds=25))
    office.look()
    office.look()
    assert len(office.under_way) == PER_LANE


def test_no_tenant_takes_more_than_its_share(db, slow, guard):
    tenants = [tenant_with_slow_endpoints(number, slow, messages=1) for number in range(2)]
    office = Office(Courier(guard, seconds=25))
    office.look()
    held = [office.lanes.busy_tenants[tenant.pk] for tenant in tenants]
    assert all(0 < each <= ROOM // 4 for each in held)
    assert office.lanes.free >= ROOM // 2


def test_a_dead_receiver_rests_and_then_is_asked_by_one_at_a_time(charlie, listen, site, office, clock):
    hook = listen(charlie, status=500)
    for _ in range(20):
        charlie.api.post(f"{ROUTE}/{hook['id']}/test")
    office.send_due()
    assert STRIKES <= len(site.received) <= STRIKES + 1
    clock.turn_to(clock.now + REST)
    site.received.clear()
    office.send_due()
    assert len(site.received) == 1
    site.serve("/hook", b"")
    clock.turn_to(clock.now + REST)
    office.send_due()
    assert Counter(Delivery.objects.values_list("state", flat=True))["delivered"] >= 19 - STRIKES


def test_a_lane_opens_again_when_something_arrives(clock):
    lanes, later = Lanes(room=8), clock.now + REST
    for _ in range(STRIKES):
        assert lanes.has_room("dead", "ten", clock.now)
        lanes.judge("dead", clock.now, arrived=False)
    assert not lanes.has_room("dead", "ten", later - timedelta(seconds=1))
    assert lanes.has_room("other", "ten", clock.now)
    lanes.begin("dead", "ten")
    assert not lanes.has_room("dead", "ten", later)
    lanes.end("dead", "ten")
    lanes.judge("dead", later, arrived=True)
    lanes.begin("dead", "other")
    assert lanes.has_room("dead", "ten", later)


def test_what_a_sender_remembers_of_the_dead_is_bounded(clock):
    lanes = Lanes(room=8)
    for number in range(2000):
        for _ in range(STRIKES):
            lanes.judge(str(number), clock.now, arrived=False)
    assert len(lanes.strikes) == len(lanes.rests) == len(lanes.closed_lanes(clock.now)) == 500


def test_a_job_is_told_of_while_everything_runs(alice, listen, site, guard, worker):
    arrived = threading.Event()
    listen(alice, events=["job.completed"])

    def answer(handler):
        arrived.set()
        handler.send_response(204)
        handler.end_headers()

    site.serve_by("/hook", answer)
    stop = threading.Event()
    sending = Sender(Courier(guard)).start(stop)
    alice.api.post("/api/v1/generations", {"prompt": "a red kite", "size": "64x64", "steps": 1})
    assert arrived.wait(30)
    stop.set()
    sending.join(30)
    connections.close_all()
    assert not sending.is_alive()
    assert Delivery.objects.get().state == "delivered"
