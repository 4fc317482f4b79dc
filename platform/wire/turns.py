"""How many large bodies are in memory at once? A few in a process: what the others send lies on disk meanwhile."""

import asyncio
from typing import Any

AT_ONCE = 4  # the largest, four pictures in JSON, is some 215 MiB while it is read
IN_SCOPE = "darkroom.turn"


class Turn:
    """A request's turn to have its large body in memory; most requests never take one."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self.places, self.is_taken = places, False

    async def take(self) -> None:
        """Return when there is a place."""
        await self.places.acquire()
        self.is_taken = True

    def end(self) -> None:
        """Give the place to the next one; without a place, or a second time, this does nothing."""
        if self.is_taken:
            self.is_taken = False
            self.places.release()


def end_turn(request: Any) -> None:
    """Say that the request's body is not in memory any more, while the request goes on."""
    turn: Turn | None = getattr(request, "scope", {}).get(IN_SCOPE)
    if turn is not None:
        turn.end()
