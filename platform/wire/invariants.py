"""What does an app promise of its rows at any moment? `manage.py check_invariants` asks each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """One promise, and the function that yields a sentence for each row that breaks it."""

    number: str
    promise: str
    violations: Callable[[], Iterator[str]]
