"""How does the OpenAPI document say that a request may name itself?"""

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from idempotency.by_key import HEADER, VISIBLE
from wire.openapi import NamedSchema

KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": f"^{VISIBLE.pattern}$"},
    OpenApiParameter.HEADER,
    description="1 to 255 visible characters of your choice. The same request with the same key is done once in a day.",
)


class Schema(NamedSchema):
    """Adds the header to the doors that take it."""

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters that nothing else tells."""
        takes_key = bool(getattr(self.view, "once", "")) and self.method == "POST"
        return [*super().get_override_parameters(), *([KEY] if takes_key else [])]
