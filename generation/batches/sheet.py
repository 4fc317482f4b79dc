"""How is a sweep seen at a glance? As a contact sheet: thumbnails in a grid, the axes' values beside them.

The last axis runs across, the one before it down, and for each value of a third there is a grid of its own, one below
the other. A single axis is laid in lines.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from generation.batches.labels import LINE_PIXELS, font, wrapped

CELL_PIXELS = 256  # a thumbnail's longer side
GAP = 8
MARGIN = 24
ROW_LABEL_PIXELS = 180
MAX_LINES = 4  # of a label
PER_LINE = 10  # cells of a single axis
SPEAKING = ("prompt", "scheduler", "checkpoint")
PAPER, INK, MISSING, FAINT = "#f4f4f5", "#18181b", "#dcdce0", "#52525b"  # a white picture shows its edges


@dataclass(frozen=True)
class Cell:
    """One generation of the sweep: its pictures' size, how its thumbnail is read, or a word why there is none."""

    size: tuple[int, int]
    read: Callable[[], bytes] | None
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """A part of the sheet: what stands above it, over its columns and before its rows, and which cells are in a row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int]]]


def contact_sheet(axes: Sequence[dict[str, Any]], cells: Sequence[Cell]) -> Image.Image:
    """Return the sheet; there is never more than one thumbnail in memory beside it."""
    grids = grids_of([[label(axis["field"], value) for value in axis["values"]] for axis in axes])
    return _Sheet(grids, cells).drawn()


def label(field: str, value: Any) -> str:
    """Return how a value is called on the sheet: some speak for themselves."""
    said = str(value).removesuffix("Scheduler")
    return said if field in SPEAKING else f"{field.replace('_', ' ')} {said}"


def grids_of(labels: Sequence[Sequence[str]]) -> list[Grid]:
    """Return the grids for the labels of one to three axes, whose first changes slowest."""
    *others, across = labels
    if not others:
        starts = range(0, len(across), PER_LINE)
        lines = [range(start, min(start + PER_LINE, len(across))) for start in starts]
        return [Grid("", [across[index] for index in line], [("", line)]) for line in lines]
    *titles, down = others
    size = len(down) * len(across)
    return [
        Grid(title, across, [(name, _row(number * size, row, len(across))) for row, name in enumerate(down)])
        for number, title in enumerate(titles[0] if titles else [""])
    ]


def _row(start: int, row: int, length: int) -> range:
    return range(start + row * length, start + (row + 1) * length)


class _Sheet:
    """The sheet while it is drawn, from top to bottom."""

    def __init__(self, grids: Sequence[Grid], cells: Sequence[Cell]) -> None:
        self.grids, self.cells = grids, cells
        sizes = [_thumbnail_size(*cell.size) for cell in cells]
        self.width, self.height = (max(sides) for sides in zip(*sizes, strict=True))
        self.left = MARGIN + (ROW_LABEL_PIXELS + GAP if grids[0].rows[0][0] else 0)
        columns = max(len(grid.columns) for grid in grids)
        across = self.left + columns * (self.width + GAP) - GAP + MARGIN
        self.canvas = Image.new("RGB", (across, MARGIN + sum(map(self._grid_height, grids))), PAPER)
        self.draw = ImageDraw.Draw(self.canvas)

    def drawn(self) -> Image.Image:
        """Draw all of it."""
        top = MARGIN
        for grid in self.grids:
            self._draw_grid(grid, top)
            top += self._grid_height(grid)
        return self.canvas

    def _grid_height(self, grid: Grid) -> int:
        rows = len(grid.rows) * (self.height + GAP)
        return self._title_height(grid) + self._header_height(grid) + rows + MARGIN - GAP

    def _title_height(self, grid: Grid) -> int:
        return len(self._title_lines(grid)) * LINE_PIXELS + GAP if grid.title else 0

    def _title_lines(self, grid: Grid) -> list[str]:
        return wrapped(grid.title, len(grid.columns) * (self.width + GAP), MAX_LINES)

    def _header_height(self, grid: Grid) -> int:
        return max(len(wrapped(name, self.width, MAX_LINES)) for name in grid.columns) * LINE_PIXELS + GAP

    def _draw_grid(self, grid: Grid, top: int) -> None:
        self._write(self._title_lines(grid), self.left, top)
        top += self._title_height(grid) + self._header_height(grid)
        for column, name in enumerate(grid.columns):
            lines = wrapped(name, self.width, MAX_LINES)
            self._write(lines, self._x(column), top - GAP - len(lines) * LINE_PIXELS)
        for name, row in grid.rows:
            self._write(wrapped(name, ROW_LABEL_PIXELS, self.height // LINE_PIXELS or 1), MARGIN, top)
            for column, index in enumerate(row):
                self._draw_cell(self.cells[index], self._x(column), top)
            top += self.height + GAP

    def _draw_cell(self, cell: Cell, x: int, y: int) -> None:
        width, height = _thumbnail_size(*cell.size)
        x, y = x + (self.width - width) // 2, y + (self.height - height) // 2
        if cell.read is None:
            self.draw.rectangle((x, y, x + width - 1, y + height - 1), fill=MISSING)
            self._write(wrapped(cell.note, width - 2 * GAP, MAX_LINES), x + GAP, y + GAP, FAINT)
            return
        with Image.open(io.BytesIO(cell.read())) as thumbnail:
            self.canvas.paste(thumbnail, (x, y))

    def _x(self, column: int) -> int:
        return self.left + column * (self.width + GAP)

    def _write(self, lines: Sequence[str], x: int, y: int, colour: str = INK) -> None:
        for number, line in enumerate(lines):
            self.draw.text((x, y + number * LINE_PIXELS), line, colour, font())


def _thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the thumbnail of a picture of this size."""
    shrunk = min(1, CELL_PIXELS / max(width, height))
    return max(1, round(width * shrunk)), max(1, round(height * shrunk))
