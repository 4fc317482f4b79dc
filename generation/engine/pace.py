"""How many pictures are denoised at once? As many as a step has time for and memory has shown to hold."""

FIRST_ROOM = 4.0
WIDER, NARROWER = 1.2, 0.8
SMOOTHING = 0.3
REMEMBERED_STEPS = 500  # after so many steps a shortage of memory may have passed


class Pace:
    """Learns from every step, for each size of picture. A guided picture takes two of the UNet's rows, others one."""

    def __init__(self, step_seconds: float, *, most_pixels: int | None = None) -> None:
        self.step_seconds = step_seconds  # what one step may take: a newcomer and a cancel wait that long
        self.most_pixels = most_pixels  # in one step, whatever time says
        self._room: dict[int, float] = {}
        self._row_seconds: dict[int, float] = {}
        self._overflowed: dict[int, int] = {}
        self._steps_since = 0

    def room(self, pixels: int) -> int:
        """Return how many pictures of this size to denoise at once; at least one."""
        rooms = [int(self._room.get(pixels, FIRST_ROOM))]
        if self.most_pixels is not None:
            rooms.append(self.most_pixels // pixels)
        if pixels in self._overflowed:
            rooms.append(self._overflowed[pixels])
        return max(1, min(rooms))

    def took(self, pixels: int, members: int, rows: int, seconds: float) -> None:
        """Learn from a step: if all the room was used and time was left, there is more; if it took too long, less."""
        room = self._room.get(pixels, FIRST_ROOM)
        if seconds > self.step_seconds:
            self._room[pixels] = max(1.0, min(room, members) * NARROWER)
        elif members >= int(room):
            self._room[pixels] = max(room * WIDER, room + 0.5)
        before = self._row_seconds.get(pixels, seconds / rows)
        self._row_seconds[pixels] = before + SMOOTHING * (seconds / rows - before)
        self._steps_since += 1
        if self._steps_since > REMEMBERED_STEPS:
            self._overflowed.clear()

    def overflowed(self, pixels: int, members: int) -> int:
        """Learn that so many did not fit into memory, and return how many to try instead; 0 when it was one."""
        self._overflowed[pixels] = max(1, members // 2)
        self._steps_since = 0
        return members // 2

    def row_seconds(self, pixels: int) -> float:
        """Estimate a row's time in a step, from the nearest size known; 0 before the first step."""
        if not self._row_seconds:
            return 0.0
        nearest = min(self._row_seconds, key=lambda known: abs(known - pixels))
        return self._row_seconds[nearest] * pixels / nearest
