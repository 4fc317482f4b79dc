"""What is asked of an engine? The real one is generation.engine.engine.Engine, tests bring one of their own."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from PIL.Image import Image

from generation.engine.due import Urgency
from generation.engine.spec import Picture, Spec, StepReport

# Of a look at an unfinished picture: its index, the how manieth look at it this is, both from 0, and the look.
OnPreview = Callable[[int, int, Image], None]


class Drawing(Protocol):
    """A generation that the engine works on; `finished` ends without a value, with an error, or cancelled."""

    finished: Future[None]
    progress: StepReport

    @property
    def device_ms(self) -> int:
        """Return how many milliseconds of the device's time it has had for itself, or its share of, by now."""

    def cancel(self) -> None:
        """Want no further picture."""


class Engine(Protocol):
    """An engine that stays warm."""

    pulse: int
    is_unfit: bool

    def start(self) -> None:
        """Begin to draw."""

    def submit(
        self,
        spec: Spec,
        on_picture: Callable[[Picture], None],
        on_preview: OnPreview | None = None,
        urgency: Urgency = Urgency(),  # noqa: B008 - frozen
    ) -> Drawing:
        """Draw this; hand over each picture as it is done, and `spec.previews` looks at it before."""

    def holds(self) -> list[dict[str, Any]]:
        """Return which weights lie where, and why."""
