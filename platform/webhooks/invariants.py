"""What must hold of messages and their deliveries at any moment, whatever was killed? ARCHITECTURE.md numbers them."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from webhooks.models import Delivery, DeliveryAttempt, Message
from wire.invariants import Invariant

# A sender that starts anew makes a delivery late; much later means that nobody sends.
GRACE = timedelta(minutes=5)


def _left_lying() -> Iterator[str]:
    # A dead receiver has much waiting by right: only a lane on which nothing is tried is left lying.
    tried = DeliveryAttempt.objects.filter(delivery__lane=OuterRef("lane"), at__gte=Now() - GRACE)
    late = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lt=Now() - GRACE)
    for delivery in late.exclude(Exists(tried))[:100]:
        yield f"{delivery.pk} has been due since {delivery.due_at}"


def _ended_otherwise() -> Iterator[str]:
    is_pending = Q(state=Delivery.State.PENDING)
    for delivery in Delivery.objects.filter(is_pending & ~Q(ended_at=None) | ~is_pending & Q(ended_at=None)):
        yield f"{delivery.pk} is {delivery.state} and ended at {delivery.ended_at}"
    for message in Message.objects.filter(deliveries=None).iterator():
        yield f"{message.pk} is for nobody"


def _of_another_tenant() -> Iterator[str]:
    foreign = ~Q(message__tenant=F("tenant")) | ~Q(endpoint=None) & ~Q(endpoint__tenant=F("tenant"))
    for delivery in Delivery.objects.filter(foreign):
        yield f"{delivery.pk} is not of its message's and its endpoint's tenant"
    for attempt in DeliveryAttempt.objects.exclude(delivery__tenant=F("tenant")):
        yield f"attempt {attempt.pk} is not of its delivery's tenant"


INVARIANTS = [
    Invariant("I10", "messages, their deliveries and endpoints are of one tenant", _of_another_tenant),
    Invariant("I15", "a message is on its way, delivered, or dead", _ended_otherwise),
    Invariant("I15", "no message is left lying", _left_lying),
]
