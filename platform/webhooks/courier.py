"""How does a message get to its receiver? By one POST to a checked address; of the answer, the status alone is kept."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import httpcore2

from webhooks.addresses import guard
from wire.guard import UNREACHABLE, Forbidden, Guard

SECONDS = 15.0
MAX_ANSWER_BYTES = 64 << 10
MAX_HEADER_CHARS = 100


@dataclass(frozen=True)
class Answer:
    """How one attempt went."""

    status: int | None = None
    error: str = ""
    seconds: float = 0.0
    retry_after: str = ""

    @property
    def is_success(self) -> bool:
        """Return whether the message has arrived. A redirect is not followed, and no success."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Courier:
    """Posts messages. Tests give it a guard and a patience of their own."""

    guard: Guard = field(default_factory=guard)
    seconds: float = SECONDS

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        """Deliver this and return how that went, in time whatever the receiver does."""
        started = time.monotonic()
        ours: dict[bytes | str, bytes | str] = {"Content-Type": "application/json", "User-Agent": "Darkroom"}
        ours.update(headers)
        deadline = started + self.seconds
        try:
            with self.guard.ask("POST", url, ours, body.encode(), deadline=deadline) as response:
                _read_on(response)
                return Answer(response.status, "", time.monotonic() - started, _header(response, b"retry-after"))
        except Forbidden:
            error = "The address does not lead to a server on the public internet."
        except (httpcore2.TimeoutException, TimeoutError):
            error = f"No answer within {self.seconds:.0f} s."
        except httpcore2.ProtocolError:
            error = "What came back was no HTTP."
        except UNREACHABLE:
            error = "No connection could be made, or its certificate is for another name."
        return Answer(None, error, time.monotonic() - started)


def _read_on(response: httpcore2.Response) -> None:
    """Let the receiver finish its sentence, within bounds; the status has decided already."""
    count = 0
    with suppress(*UNREACHABLE):
        for piece in response.iter_stream():
            count += len(piece)
            if count > MAX_ANSWER_BYTES:
                return


def _header(response: httpcore2.Response, wanted: bytes) -> str:
    found = (value for name, value in response.headers if name.lower() == wanted)
    return next(found, b"").decode("latin-1")[:MAX_HEADER_CHARS]
