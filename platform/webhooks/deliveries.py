"""What is due, whose is it to send, and what follows from how that went? Every step is a conditional update."""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from webhooks.courier import Answer
from webhooks.models import Delivery, DeliveryAttempt, Endpoint
from webhooks.services import disable_endpoint
from wire.failpoints import Point, failpoint

# How long after each attempt the next one is due (Standard Webhooks); after the tenth there is none.
PAUSES = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
JITTER = 0.1  # later by up to this share, so that what failed together does not come back together
LONGEST_PAUSE = timedelta(hours=24)
# How long a sender has for an attempt, which takes 15 s at most; whoever died with it is followed by another then.
LEASE = timedelta(seconds=30)
# A message that is older is not tried again: a dead receiver with much waiting is asked too seldom to count to ten.
TRIED_FOR = timedelta(days=4)
GONE = 410


def due(now: datetime, *, lanes: Collection[str], tenants: Collection[str], most: int) -> list[Delivery]:
    """Return what waits longest, but nothing on these lanes or of these tenants."""
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=now)
    free = waiting.exclude(lane__in=list(lanes)).exclude(tenant__in=list(tenants))
    return list(free.select_related("message", "endpoint").order_by("due_at")[:most])


def take(delivery: Delivery, now: datetime) -> bool:
    """Make the next attempt ours, and return whether it is: of two senders, one hears True."""
    if not _held(delivery).filter(due_at__lte=now).update(attempts=F("attempts") + 1, due_at=now + LEASE):
        return False
    delivery.attempts += 1
    return True


def give_up(delivery: Delivery, now: datetime) -> None:
    """End a delivery that nobody is to try again."""
    _held(delivery).update(state=Delivery.State.DEAD, ended_at=now)


def is_hopeless(delivery: Delivery) -> bool:
    """Return whether what we have just taken is not to be sent: nobody listens any more, or each sender died of it."""
    silenced = delivery.endpoint is not None and delivery.endpoint.disabled_at is not None
    return silenced or delivery.attempts > len(PAUSES) + 1


def settle(delivery: Delivery, answer: Answer, now: datetime) -> None:
    """Write down how an attempt went, and what follows: delivered, once more, or dead. A replay meanwhile goes on."""
    with transaction.atomic():
        if not Delivery.objects.select_for_update().filter(pk=delivery.pk).exists():
            return  # its endpoint was deleted meanwhile
        DeliveryAttempt.objects.create(
            tenant_id=delivery.tenant_id, delivery=delivery, at=now - timedelta(seconds=answer.seconds),
            status=answer.status, error=answer.error, seconds=answer.seconds,
        )  # fmt: skip
        if answer.is_success:
            _held(delivery).update(state=Delivery.State.DELIVERED, ended_at=now)
        elif answer.status == GONE:
            give_up(delivery, now)
            _disable(delivery, "It answered 410 Gone: it wants no more messages.")
        elif delivery.attempts > len(PAUSES) or now - delivery.created_at > TRIED_FOR:
            give_up(delivery, now)
            if not _anything_arrived(delivery):
                _silence(delivery, now)
        else:
            _held(delivery).update(due_at=now + pause_after(delivery.attempts, answer.retry_after, now))
        failpoint(Point.DELIVER_NOTED)


def note_standing(delivery: Delivery, now: datetime, *, arrived: bool, rests_until: datetime | None) -> None:
    """Write down how the delivery's endpoint fares, for people to see.

    Apart from the attempt: who changes an endpoint locks it before its deliveries, and `settle` holds one of those.
    """
    own = Endpoint.objects.filter(pk=delivery.endpoint_id, url=delivery.url)  # not of another server since
    if arrived:
        own.exclude(failing_since=None).update(failing_since=None, rests_until=None)
    else:
        own.update(failing_since=Coalesce("failing_since", now), rests_until=rests_until)


def pause_after(attempt: int, retry_after: str, now: datetime) -> timedelta:
    """Return how long to wait after this attempt, counted from 1; longer if the receiver says so."""
    usual = PAUSES[attempt - 1] * (1 + random.uniform(0, JITTER))
    return max(usual, min(_asked_pause(retry_after, now), LONGEST_PAUSE))


def _asked_pause(retry_after: str, now: datetime) -> timedelta:
    """Return what a Retry-After header asks for: seconds or a date; nothing when it says nothing that we know."""
    if retry_after.isascii() and retry_after.isdigit():
        return timedelta(seconds=min(int(retry_after[:10]), 10**6))
    try:
        then = parsedate_to_datetime(retry_after)
        return (then if then.tzinfo else then.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return timedelta()


def _held(delivery: Delivery) -> "QuerySet[Delivery]":
    """Return the delivery's row as long as nobody else has taken it, ended it or begun it anew."""
    return Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts)


def _anything_arrived(delivery: Delivery) -> bool:
    arrived = Delivery.objects.filter(tenant=delivery.tenant_id, lane=delivery.lane, state=Delivery.State.DELIVERED)
    return arrived.filter(ended_at__gte=delivery.created_at).exists()


def _silence(delivery: Delivery, now: datetime) -> None:
    """End all that waits for a receiver that has been dead for days."""
    _disable(delivery, "Nothing got through for three days.")
    waiting = Delivery.objects.filter(tenant=delivery.tenant_id, lane=delivery.lane, state=Delivery.State.PENDING)
    waiting.update(state=Delivery.State.DEAD, ended_at=now)


def _disable(delivery: Delivery, because: str) -> None:
    if delivery.endpoint is not None:
        disable_endpoint(delivery.endpoint, because, actor="webhooks")
