"""What may stand behind the question mark of a URL? What the description of the door names, and once. But for `format`,
nothing is passed over."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from wire.errors import ApiError
from wire.strict_json import shown

NATIVE = "/api/"
DRY_RUN = "dry_run"
READS = ("GET", "HEAD")
FORMAT = "format"  # DRF's clients add it; it has never said anything here, what Accept says counts


def check_query(request: Request, view: Any) -> None:
    """Refuse what the view does not know, or is told twice: it would be done as if it had not been said.

    OpenAI's clients may add what they like to theirs, but nothing that another door of ours takes for a promise that
    nothing is made. Raises ApiError.
    """
    said = request.query_params
    if not said or request.user is None:  # the document's own doors let everybody in, and are drf-spectacular's
        return
    if not request._request.path_info.startswith(NATIVE):
        if DRY_RUN in said:
            told = "The native API's quotes tell what a request would cost, and make nothing."
            raise ApiError(400, "unknown_parameter", f"There is no dry_run here. {told}", param=DRY_RUN)
        return
    handler = getattr(view, (request.method or "").lower(), None)
    if handler is not None and request.method != "OPTIONS":
        check_names(said, _known_to(view, handler), passed_over=[FORMAT] if request.method in READS else ())


def check_names(said: QueryDict, known: Collection[str], passed_over: Collection[str] = ()) -> None:
    """Refuse a parameter that is none of these, or comes twice. Raises ApiError."""
    for name, values in said.lists():
        if name not in known and name not in passed_over:
            rule = f"Known: {', '.join(known)}." if known else "This takes none."
            message = f"There is no query parameter {shown(name)!r} here. {rule}"
            raise ApiError(400, "unknown_parameter", message, param=shown(name))
        if len(values) > 1:
            raise ApiError(400, "duplicate_parameter", f"{name} appears twice.", param=name)


def one_of(said: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    """Return which of these the query says, the first when it says nothing. Raises ApiError."""
    value = said.get(name, known[0])
    if value not in known:
        raise ApiError(400, "invalid_value", f"{name} must be one of: {', '.join(known)}.", param=name)
    return value


def _known_to(view: Any, handler: Any) -> list[str]:
    """Return the query parameters that the handler's description names: what is documented is what is taken."""
    described: Mapping[str, Any] = getattr(handler, "kwargs", {})
    if "schema" not in described:
        return []
    schema = described["schema"]()
    schema.view, schema.method = view, view.request.method
    parameters: list[Any] = schema.get_override_parameters()
    return [each.name for each in parameters if each.location == OpenApiParameter.QUERY]
