"""How are several processes kept alive together? Started in order, started again when they die, stopped in reverse."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from darkroom.up.child import Child, Command

MAX_PAUSE_SECONDS = 8.0
HEALTHY_SECONDS = 60.0
HOPELESS = 2


class WontStart(Exception):
    """A process dies again and again by its own fault."""


class Kept:
    """A child with what is known of its deaths."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.started_at = time.monotonic()
        self.start_again_at: float | None = None
        self.failures = 0

    def buried(self, status: int) -> float:
        """Note a death and return the pause before the next start."""
        lived = time.monotonic() - self.started_at
        # Killed from outside (by an operator, by the kernel for memory) is not its own fault: no growing pause.
        innocent = status == -signal.SIGKILL or lived > HEALTHY_SECONDS
        self.failures = 0 if innocent else self.failures + 1
        pause = 0.2 if innocent else min(2.0 ** (self.failures - 1), MAX_PAUSE_SECONDS)
        self.start_again_at = time.monotonic() + pause
        return pause

    def start_again(self) -> None:
        """Run the child anew."""
        self.child.start()
        self.started_at, self.start_again_at = time.monotonic(), None


class Supervisor:
    """Keeps processes alive between `with` and its end."""

    def __init__(self, home: Path, say: Callable[[str], None], hurried: Callable[[], bool]) -> None:
        self.home, self.say, self.hurried = home, say, hurried
        self.kept: list[Kept] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for kept in reversed(self.kept):
            kept.child.stop(self.hurried)

    def start(self, command: Command) -> None:
        """Start a process and look after it from now on."""
        child = Child(command, self.home)
        kept = Kept(child)
        self.kept.append(kept)
        child.start()

    def tend(self) -> None:
        """Start again what died. Call it often."""
        now = time.monotonic()
        for kept in self.kept:
            if kept.start_again_at is None:
                if (status := kept.child.exit_status()) is not None:
                    self._report(kept, status, kept.buried(status))
            elif kept.start_again_at <= now:
                kept.start_again()

    def give_up_on_failures(self) -> None:
        """Raise WontStart when a process has failed too often to hope."""
        for kept in self.kept:
            if kept.failures >= HOPELESS:
                name = kept.child.command.name
                raise WontStart(f"The {name} process died {HOPELESS} times. All it said is in {kept.child.log}.")

    def _report(self, kept: Kept, status: int, pause: float) -> None:
        child = kept.child
        how = f"was ended by a signal ({signal.strsignal(-status)})" if status < 0 else f"ended with status {status}"
        self.say(f"{child.command.name} {how} and starts again in {pause:.1f} s.")
        if kept.failures:
            self.say("\n".join(f"  | {line}" for line in child.last_lines().splitlines()))
