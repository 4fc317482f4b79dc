"""Which engine lets a person watch? The fake one, a little slower."""

import time
from collections.abc import Callable

from generation.engine.spec import Picture, Spec, StepReport
from tests.fakes import FakeEngine

STEP_SECONDS = 0.03


class WatchableEngine(FakeEngine):
    """Takes as long for each step as a small GPU would."""

    def generate(self, spec: Spec, on_step: Callable[[StepReport], None]) -> list[Picture]:
        """Return the pictures, reporting every step."""

        def on_slow_step(done: StepReport) -> None:
            time.sleep(STEP_SECONDS)
            on_step(done)

        return super().generate(spec, on_slow_step)
