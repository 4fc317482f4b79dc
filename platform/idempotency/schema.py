"""How does the OpenAPI document say that a request may name itself?"""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from idempotency.by_key import HEADER, VISIBLE
from wire.paging import ListSerializer

KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": f"^{VISIBLE.pattern}$"},
    OpenApiParameter.HEADER,
    description="1 to 255 visible characters of your choice. The same request with the same key is done once in a day.",
)


class Schema(AutoSchema):
    """Adds the header to the doors that take it, and calls lists what they are."""

    def get_operation_id(self) -> str:
        """Return what clients' generators call the operation."""
        name: str = super().get_operation_id()
        shape = self.get_response_serializers()
        answers_list = isinstance(shape, type) and issubclass(shape, ListSerializer)
        return f"{name.removesuffix('_retrieve')}_list" if answers_list else name

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters that nothing else tells."""
        takes_key = bool(getattr(self.view, "once", "")) and self.method == "POST"
        return [*super().get_override_parameters(), *([KEY] if takes_key else [])]
