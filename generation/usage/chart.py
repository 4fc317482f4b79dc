"""How does usage by day look as a drawing? Bars on a grid, in a drawing's own units; the template only writes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from generation.usage.services import Row

WIDTH, HEIGHT = 720, 180
LEFT, RIGHT, TOP, BOTTOM = 44, 4, 10, 22
GAP = 0.25  # between two bars, of a day's width
LABELS = 6  # along the days


@dataclass(frozen=True)
class Bar:
    """One day's bar."""

    row: Row
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Mark:
    """A label beside the bars, and where it stands."""

    text: str
    at: float


@dataclass(frozen=True)
class Chart:
    """What is drawn."""

    bars: tuple[Bar, ...]
    levels: tuple[Mark, ...]
    days: tuple[Mark, ...]

    width, height, left, right, base = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM


def chart_of(rows: Sequence[Row]) -> Chart:
    """Return the drawing of these days' GPU-seconds."""
    top = rounded_up(max((row.seconds for row in rows), default=0.0))
    day = (WIDTH - LEFT - RIGHT) / max(1, len(rows))
    places = [LEFT + day * number for number in range(len(rows))]
    bars = [_bar(row, x + day * GAP / 2, day * (1 - GAP), top) for row, x in zip(rows, places, strict=True)]
    every = max(1, math.ceil(len(rows) / LABELS))
    days = [Mark(row.name[5:], round(x + day / 2, 1)) for row, x in zip(rows, places, strict=True)][::every]
    levels = [Mark(f"{top * part:g}", round(_y(top * part, top), 1)) for part in (0.0, 0.5, 1.0)]
    return Chart(tuple(bars), tuple(levels), tuple(days))


def _bar(row: Row, x: float, width: float, top: float) -> Bar:
    y = _y(row.seconds, top)
    return Bar(row, round(x, 2), round(y, 2), round(width, 2), round(HEIGHT - BOTTOM - y, 2))


def _y(seconds: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * seconds / top


def rounded_up(seconds: float) -> float:
    """Return the next number of one digit above, 1 for nothing: the top of the scale."""
    if seconds <= 0:
        return 1.0
    unit = 10 ** math.floor(math.log10(seconds))
    return float(math.ceil(seconds / unit) * unit)
