"""Who sends what is due? One thread that alone speaks to the database, and one for each attempt under way.

A sender that dies has sent or not sent: its attempts are made again, under the same ids.
"""

import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import Error, connection
from django.utils import timezone

from webhooks import deliveries
from webhooks.courier import Answer, Courier
from webhooks.lanes import Lanes
from webhooks.letters import Letter, letter_of
from webhooks.models import Delivery
from wire.failpoints import Point, failpoint

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LAST_WORDS_SECONDS = 3.0  # of attempts under way when the process is told to stop; the others are made again
ROOM = 64
BROKE = Answer(None, "Something broke on our side; the operator has the details.")


class Sender:
    """Sends what is due. Two of them, in two processes, do no harm."""

    def __init__(
        self, courier: Courier | None = None, *, room: int = ROOM, clock: Callable[[], datetime] = timezone.now
    ) -> None:
        self.courier, self.clock = courier or Courier(), clock
        self.lanes = Lanes(room)
        self.under_way: set[str] = set()
        self.answers: queue.SimpleQueue[tuple[Delivery, Answer]] = queue.SimpleQueue()

    def start(self, stop: threading.Event) -> threading.Thread:
        """Send until told to stop, in a thread of its own; return that."""
        thread = threading.Thread(target=self._run, args=(stop,), name="webhooks", daemon=True)
        thread.start()
        return thread

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.look()
                self.note(LOOK_SECONDS)
            except Error as error:
                log.warning("the database is out of reach, webhooks wait: %s", error)
                connection.close()
                stop.wait(LOOK_SECONDS)
        until = timezone.now().timestamp() + LAST_WORDS_SECONDS
        while self.under_way and (left := until - timezone.now().timestamp()) > 0:
            self.note(left)
        connection.close()

    def look(self) -> None:
        """Send what is due, as far as there is room."""
        begun = 1
        while begun and self.lanes.free:
            now = self.clock()
            closed, full = self.lanes.closed_lanes(now), self.lanes.full_tenants()
            found = deliveries.due(now, lanes=closed, tenants=full, most=self.lanes.free)
            begun = sum(self._begin(delivery, now) for delivery in found)

    def note(self, patience: float) -> None:
        """Write down what was answered; wait so many seconds for the first of it."""
        try:
            self._settle(*self.answers.get(timeout=patience))
            while True:
                self._settle(*self.answers.get_nowait())
        except queue.Empty:
            return

    def _begin(self, delivery: Delivery, now: datetime) -> bool:
        """Make one attempt, if it is to be made and ours; return whether it was taken."""
        lane, tenant = delivery.lane, delivery.tenant_id
        # Replayed while its attempt is under way: the next one begins when that has ended.
        if delivery.pk in self.under_way or not self.lanes.has_room(lane, tenant, now):
            return False
        if not deliveries.take(delivery, now):
            return False
        failpoint(Point.DELIVER_TAKEN)
        if deliveries.is_hopeless(delivery):
            deliveries.give_up(delivery, now)
            return True
        letter = letter_of(delivery, now)
        self.lanes.begin(lane, tenant)
        self.under_way.add(delivery.pk)
        threading.Thread(target=self._attempt, args=(delivery, letter), name=delivery.pk, daemon=True).start()
        return True

    def _attempt(self, delivery: Delivery, letter: Letter) -> None:
        answer = BROKE
        try:
            answer = self.courier.post(letter.url, letter.body, letter.headers)
            failpoint(Point.DELIVER_SENT)
        finally:
            self.answers.put((delivery, answer))

    def _settle(self, delivery: Delivery, answer: Answer) -> None:
        now = self.clock()
        self.under_way.discard(delivery.pk)
        self.lanes.end(delivery.lane, delivery.tenant_id)
        self.lanes.judge(delivery.lane, now, arrived=answer.is_success)
        deliveries.settle(delivery, answer, now)
        rest = self.lanes.rests.get(delivery.lane)
        deliveries.note_standing(delivery, now, arrived=answer.is_success, rests_until=rest)
        failpoint(Point.DELIVER_SETTLED)
        log.info("%s: attempt %s: %s", delivery.pk, delivery.attempts, answer.status or answer.error)
