"""What is a promise that must hold at any moment? A sentence, and what finds the rows that break it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """One promise, and the function that yields a sentence for each row that breaks it."""

    number: str
    promise: str
    violations: Callable[[], Iterator[str]]
