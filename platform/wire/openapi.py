"""What does the OpenAPI document say of every door? How it refuses, that it takes no unknown field, and its name."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from wire.paging import ListSerializer

Document = dict[str, Any]

TEXT = {"type": "string"}
LIMIT = {
    "type": "object",
    "description": "Which of your tenant's limits is in the way, in its own unit.",
    "properties": {
        "name": TEXT,
        "limit": {"type": "number"},
        "used": {"type": "number"},
        "requested": {"type": "number"},
        "resets_at": {"type": "string", "format": "date-time", "nullable": True},
    },
    "required": ["name", "limit", "used", "requested"],
}
ERROR = {
    "type": "object",
    "properties": {
        "message": TEXT,
        "type": TEXT,
        "param": {"type": "string", "nullable": True, "description": "The field that it is about."},
        "code": TEXT,
        "limit": LIMIT,
    },
    "required": ["message", "type", "param", "code"],
}
REFUSAL = {
    "type": "object",
    "description": "Why a request was refused: a code for programs, a sentence for people.",
    "properties": {"error": ERROR},
    "required": ["error"],
}
REFUSALS = {
    400: "Something in the request does not pass; `param` names it.",
    401: "There is no key, or it does not open this door any more.",
    403: "The key or the member may not do this.",
    404: "There is nothing under that id or name that you may see.",
    406: "This door has no such type of answer.",
    409: "It does not go with how things stand, or the same request is being done right now.",
    413: "The body is too large.",
    415: "The body is neither JSON nor a form.",
    422: "The Idempotency-Key came with another request before.",
    429: "A limit is reached; `Retry-After` says when to come again.",
    500: "Something broke on our side.",
    503: "Something that this needs is out of reach; come again.",
}
WRITES = ("post", "put", "patch", "delete")
HEADERS = {
    "X-Request-Id": {"schema": TEXT, "description": "Name it when you ask for help."},
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."},
}


class NamedSchema(AutoSchema):
    """Calls lists what they are."""

    def get_operation_id(self) -> str:
        """Return what clients' generators call the operation."""
        name: str = super().get_operation_id()
        shape = self.get_response_serializers()
        answers_list = isinstance(shape, type) and issubclass(shape, ListSerializer)
        return f"{name.removesuffix('_retrieve')}_list" if answers_list else name


class KindField(OpenApiSerializerFieldExtension):
    """Describes what no model has: a text that is always the same, as `object` is."""

    target_class = "rest_framework.fields.ReadOnlyField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Document:
        """Return the field's description."""
        if isinstance(self.target.default, str):
            return TEXT
        described: Document = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return described


def complete(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """Return the document with what holds for every door. A hook of drf-spectacular's."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Request") and "properties" in schema:  # all of them are StrictSerializers
            schema["additionalProperties"] = False
    schemas["Refusal"] = REFUSAL
    result["components"]["responses"] = {f"Refused{status}": _response(status) for status in REFUSALS}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status in _refusals(path, method, operation):
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/Refused{status}"}
    return result


def _response(status: int) -> Document:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    names = ["X-Request-Id", *(["Retry-After"] if status in (409, 429, 503) else [])]
    return {"description": REFUSALS[status], "headers": {name: HEADERS[name] for name in names}, "content": content}


def _refusals(path: str, method: str, operation: Document) -> Iterator[int]:
    """Yield with what an operation may refuse."""
    yield from (400, 401, 403, 406, 429, 500, 503)
    if "{" in path or "requestBody" in operation or "batch" in _parameters(operation):
        yield 404
    if method in WRITES:
        yield 409
    if "requestBody" in operation:
        yield from (413, 415)
    if "Idempotency-Key" in _parameters(operation):
        yield 422


def _parameters(operation: Document) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", [])}
