"""One spec on its way through the engine: how far it is, whom to tell, and how it ends."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from PIL.Image import Image

from generation.engine.errors import DeviceLost
from generation.engine.spec import Picture, Spec, StepReport

if TYPE_CHECKING:
    from generation.engine.member import Member
    from generation.engine.opening import Opening
    from generation.engine.phases import Phase


class Generation:
    """The engine's handle on one spec. `finished` ends once: without a value, with an error, or cancelled."""

    def __init__(
        self,
        spec: Spec,
        on_picture: Callable[[Picture], None],
        *,
        due: float = 0.0,
        on_preview: Callable[[int, int, Image], None] | None = None,
    ) -> None:
        self.spec = spec
        self.on_picture, self.on_preview = on_picture, on_preview
        self.due = due  # by the clock of `due.Dues`; who is due first, is drawn first
        self.lane = ""  # whose generations share a step equally with other lanes'
        self.finished: Future[None] = Future()
        self.members: list[Member] = []  # empty until it is admitted
        self.openings: dict[Phase, Opening] = {}
        self._handed_over = 0
        self._seconds = 0.0
        self._last_report = StepReport(0, spec.steps)
        self.finished.add_done_callback(self._let_go)

    @property
    def progress(self) -> StepReport:
        """Return the steps of an average picture, done and in all; safe from any thread."""
        members = self.members
        if not members:
            return self._last_report
        return StepReport(sum(member.done for member in members) // len(members), members[0].steps)

    @property
    def device_ms(self) -> int:
        """Return how many milliseconds of the device's time were its own by now; safe from any thread."""
        return round(1000 * self._seconds)

    def took(self, seconds: float) -> None:
        """Note seconds of the device's time, or a share of them."""
        self._seconds += seconds

    def _let_go(self, finished: "Future[None]") -> None:
        """Keep no tensors of what has ended, only how far it came."""
        self._last_report = self.progress
        self.members, self.openings = [], {}

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


@contextmanager
def fails(generation: Generation) -> Iterator[None]:
    """Let an error inside end this generation and nobody else's. Raises DeviceLost, which is everybody's."""
    try:
        yield
    except DeviceLost as error:
        generation.fail(error)  # here: it may be in no batch just now
        raise
    except Exception as error:  # noqa: BLE001 - it is raised where the generation is waited for
        generation.fail(error)
