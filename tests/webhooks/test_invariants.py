"""Does the check see messages that are lost, doubled in state, or another tenant's?"""

from datetime import timedelta

import pytest

from tests.webhooks.conftest import ROUTE
from webhooks.invariants import INVARIANTS
from webhooks.models import Delivery, Message


@pytest.fixture
def delivery(alice, listen):
    """A message on its way to a webhook of alice's."""
    return Delivery.objects.get(pk=alice.api.post(f"{ROUTE}/{listen(alice)['id']}/test").json()["id"])


def violations() -> list[int]:
    """How many rows break each: of another tenant, ended otherwise, left lying."""
    return [len(list(each.violations())) for each in INVARIANTS]


def test_what_was_sent_as_it_should_be_breaks_nothing(delivery, office):
    office.send_due()
    assert violations() == [0, 0, 0]


@pytest.mark.parametrize(("state", "ended"), [("pending", True), ("delivered", False), ("dead", False)])
def test_a_state_without_its_end_or_with_one_is_seen(delivery, clock, state, ended):
    Delivery.objects.update(state=state, ended_at=clock.now if ended else None)
    assert violations() == [0, 1, 0]


def test_a_message_that_nobody_sends_is_seen(delivery, clock):
    Delivery.objects.update(due_at=clock.now - timedelta(minutes=6))
    assert violations() == [0, 0, 1]


def test_a_message_behind_others_to_a_dead_receiver_is_no_loss(alice, delivery, site, office, clock):
    alice.api.post(f"{ROUTE}/{delivery.endpoint_id}/test")
    Delivery.objects.filter(pk=delivery.pk).update(due_at=clock.now + timedelta(days=1))
    site.serve("/hook", b"", 500)
    office.send_due()
    Delivery.objects.update(due_at=clock.now - timedelta(minutes=6))
    assert violations() == [0, 0, 0]


def test_a_message_for_nobody_is_seen(delivery):
    Message.objects.create(tenant=delivery.tenant, type="job.completed", subject="gen_1")
    assert violations() == [0, 1, 0]


def test_what_is_of_another_tenant_is_seen(delivery, charlie):
    Message.objects.update(tenant=charlie.tenant)
    assert violations() == [1, 0, 0]
