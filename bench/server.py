"""What both sides of a bench are: something that takes specs and promises files."""

from concurrent.futures import Future
from typing import Protocol

from generation.engine.spec import Spec


class Server(Protocol):
    """A text-to-image server without its web half; it works until closed."""

    name: str

    @property
    def lora_switches(self) -> int:
        """Return how often a set of LoRAs was put on."""

    @property
    def checkpoint_switches(self) -> int:
        """Return how often another checkpoint than the last was drawn with."""

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        """Take a request; its pictures come as PNG files, in order."""

    def close(self) -> None:
        """Finish what was submitted, then let go of the device's memory."""
