"""What does a person at the terminal see? One line for each stage of the start and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper


class Console:
    """Writes progress."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out = out
        self.mid_line = False

    def say(self, text: str) -> None:
        """Write a line of its own."""
        if self.mid_line:
            self.out.write("")
        self._write(text, ending="\n")

    @contextmanager
    def stage(self, name: str, doing: str) -> Iterator[None]:
        """Name what begins, and when it is done say how long it took."""
        self._write(f"  {name:<14} {doing} ... ", ending="")
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self._write("not done", ending="\n")
            raise
        self._write(f"{time.monotonic() - began:.1f} s", ending="\n")

    def _write(self, text: str, *, ending: str) -> None:
        self.out.write(text, ending=ending)
        self.out.flush()
        self.mid_line = not ending
