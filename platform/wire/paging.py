"""How is a long list read? Newest first by keyset: `?after=<last id>&limit=`, never an offset."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from wire.errors import ApiError
from wire.fields import whole_number
from wire.ids import is_id

Row = TypeVar("Row", bound=Model)

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
PAGE_PARAMETERS = [
    OpenApiParameter("after", str, description="The last_id of the page before."),
    OpenApiParameter("limit", int, description="How many, 1 to 100; 20 when absent."),
]


def page(rows: QuerySet[Row], query: QueryDict, kind: str) -> tuple[list[Row], bool]:
    """Return one page of rows, newest first, and whether more follow. One query, whatever the depth."""
    after = query.get("after")
    limit = whole_number(query.get("limit"), "limit", 1, MAX_LIMIT) or DEFAULT_LIMIT
    if after is not None and not is_id(after, kind):
        raise ApiError(400, "invalid_cursor", "after must be the last_id of the page before.", param="after")
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], len(found) > limit


def listing(rows: list[Row], has_more: bool, render: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
    """Return the page as OpenAI's clients walk it. One serializer should render all its rows: making one costs most."""
    data = [render(row) for row in rows]
    ends = (rows[0].pk, rows[-1].pk) if rows else (None, None)
    return {"object": "list", "data": data, "has_more": has_more, "first_id": ends[0], "last_id": ends[1]}
