"""How does a door find the row that an id names? Another tenant's row, and what is no id at all, look like none."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from wire.errors import missing
from wire.ids import is_id

Row = TypeVar("Row", bound=Model)


def named(rows: QuerySet[Row], id: str, kind: str) -> Row:
    """Return the one of these rows, those of the caller's tenant, that has this id of this kind. Raises ApiError."""
    row = rows.filter(pk=id).first() if is_id(id, kind) else None  # PostgreSQL refuses some texts that a URL may hold
    if row is None:
        raise missing()
    return row
