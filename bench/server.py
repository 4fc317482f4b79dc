"""What both sides of a bench are: something that takes specs and promises files."""

from concurrent.futures import Future
from typing import Protocol

from generation.engine.spec import Spec


class Server(Protocol):
    """A text-to-image server without its web half; it works until closed."""

    name: str
    lora_switches: int  # how often a set of LoRAs was put on
    checkpoint_switches: int  # how often another checkpoint was loaded or made ready

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        """Take a request; its pictures come as PNG files, in order."""

    def close(self) -> None:
        """Finish what was submitted, then let go of the device's memory."""
