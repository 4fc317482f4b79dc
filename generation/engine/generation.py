"""One spec on its way through the engine: how far it is, whom to tell, and how it ends."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING

from generation.engine.spec import Picture, Spec, StepReport

if TYPE_CHECKING:
    from generation.engine.member import Member


class Generation:
    """The engine's handle on one spec. `finished` ends once: without a value, with an error, or cancelled."""

    def __init__(self, spec: Spec, on_picture: Callable[[Picture], None], *, due: float) -> None:
        self.spec = spec
        self.on_picture = on_picture
        self.due = due  # by the engine's clock; who is due first, is drawn first
        self.finished: Future[None] = Future()
        self.members: list[Member] = []  # empty until it has begun
        self._handed_over = 0
        self._last_report = StepReport(0, spec.steps)
        self.finished.add_done_callback(self._let_go)

    @property
    def progress(self) -> StepReport:
        """Return the steps of an average picture, done and in all; safe from any thread."""
        members = self.members
        if not members:
            return self._last_report
        steps = members[0].step + members[0].steps_left
        return StepReport(sum(member.step for member in members) // len(members), steps)

    def _let_go(self, finished: "Future[None]") -> None:
        """Keep no tensors of what has ended, only how far it came."""
        self._last_report = self.progress
        self.members = []

    def cancel(self) -> None:
        """Want no further picture: the device is free of it at the next step. Safe from any thread."""
        self.finished.cancel()

    def hand_over(self, picture: Picture) -> None:
        """Pass a finished picture on; the last one ends the generation."""
        if self.finished.done():
            return
        self.on_picture(picture)
        self._handed_over += 1
        if self._handed_over == self.spec.n:
            with suppress(InvalidStateError):  # cancelled this very moment
                self.finished.set_result(None)

    def fail(self, error: Exception) -> None:
        """End with an error, unless it has ended already."""
        with suppress(InvalidStateError):
            self.finished.set_exception(error)
