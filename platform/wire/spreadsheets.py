"""What may stand in a cell of a CSV file? Anything that no spreadsheet would run."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how what a spreadsheet would run begins (OWASP, CSV injection)


def safe_cell(value: Any) -> Any:
    """Return the value; a text that would be taken for a formula begins with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """Yield a CSV file line by line."""
    line = io.StringIO()
    writer = csv.writer(line)
    for cells in (header, *rows):
        writer.writerow([safe_cell(cell) for cell in cells])
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
