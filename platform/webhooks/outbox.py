"""What is to be told of? It is written down in the transaction in which it happens, and sent after that."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Happening:
    """Something that a tenant's programs may want to hear of; `url` is an address that the request itself named."""

    tenant_id: str
    type: str
    subject: str
    url: str = ""
    url_events: Sequence[str] = ()


def record(happenings: Sequence[Happening]) -> None:
    """Write down what happens, for every endpoint that wants to hear of it."""
