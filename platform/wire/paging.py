"""How is a long list read? Newest first by keyset: `?after=<last id>&limit=`, never an offset."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from wire.errors import ApiError
from wire.fields import whole_number
from wire.ids import is_id

Row = TypeVar("Row", bound=Model)

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
LIMITS = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
PAGE_PARAMETERS = [
    OpenApiParameter("after", str, description="The last_id of the page before."),
    OpenApiParameter("limit", LIMITS, description="How many."),
]


class ListSerializer(serializers.Serializer[Any]):
    """What answers a question for all of some kind."""

    object = serializers.ChoiceField(choices=["list"])


class PageSerializer(ListSerializer):
    """What answers a question for a long list: some of it, and where to go on."""

    has_more = serializers.BooleanField()
    first_id = serializers.CharField(allow_null=True)
    last_id = serializers.CharField(allow_null=True, help_text="Give it as `after` to go on.")


def list_of(kind: type[serializers.BaseSerializer[Any]]) -> type[ListSerializer]:
    """Return how the OpenAPI document describes a whole list of these."""
    return _listing_of(kind, ListSerializer, "List")


def page_of(kind: type[serializers.BaseSerializer[Any]]) -> type[ListSerializer]:
    """Return how the OpenAPI document describes a page of these."""
    return _listing_of(kind, PageSerializer, "Page")


def _listing_of(kind: Any, shape: type[ListSerializer], word: str) -> type[ListSerializer]:
    name = kind.__name__.removesuffix("Serializer") + word
    return type(f"{name}Serializer", (shape,), {"data": kind(many=True), "__doc__": shape.__doc__})


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
