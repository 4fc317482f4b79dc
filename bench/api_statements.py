"""Which SQL does a page ask, in whatever thread, and does the database find it without reading a table?"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

LARGE = ("generation_image", "generation_generationjob", "generation_generationlora", "generation_batch")
NAMES = "|".join(LARGE)
# SQLite's words for reading a whole table or index, then PostgreSQL's.
WHOLE = re.compile(rf"SCAN (?:{NAMES})\b|Seq Scan on (?:{NAMES})\b")


class Statement(NamedTuple):
    """One that was asked."""

    sql: str
    params: Any


class Ear:
    """Hears every statement of this process, on connections old and new."""

    def __init__(self) -> None:
        self.heard: list[Statement] | None = None
        connection_created.connect(self._meet)
        self._meet(connection)

    @contextmanager
    def listening(self) -> Iterator[list[Statement]]:
        """Collect what is asked meanwhile."""
        heard: list[Statement] = []
        self.heard = heard
        yield heard
        self.heard = None

    def _meet(self, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
        if self._note not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, self._note)  # before what row-level security puts in front

    def _note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if self.heard is not None:
            self.heard.append(Statement(sql, params))
        return execute(sql, params, many, context)


def reads_whole(statements: list[Statement]) -> list[str]:
    """Return those lines of the database's plans that read a whole table of what grows."""
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    lines: list[str] = []
    with connection.cursor() as cursor:
        for sql, params in statements:
            if sql.startswith("SELECT") and any(table in sql for table in LARGE):
                cursor.execute(explain + sql, params)
                lines += [str(row[-1]).strip() for row in cursor.fetchall()]
    return [line for line in lines if WHOLE.search(line)]
