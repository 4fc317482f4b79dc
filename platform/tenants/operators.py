"""What do the console's pages of tenants' rows share? Who looks at them is written down, for the tenants to see."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from tenants.audit import record_for
from tenants.models import User

VIEWED = "operator.viewed"


def operator(request: HttpRequest) -> str:
    """Return how the audit names an operator."""
    return f"operator {request.user.email}" if isinstance(request.user, User) else "operator"


def note_view(request: HttpRequest, tenants: Iterable[str | None], page: str, subject: str = "") -> None:
    """Write down, for each of these tenants, that an operator is about to see rows of theirs."""
    concerned = {tenant_id for tenant_id in tenants if tenant_id}
    if concerned:
        record_for(concerned, VIEWED, actor=operator(request), subject=subject, detail={"page": page})


class ReadOnly(ModelAdmin):
    """A page that shows and never changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class Watched(ModelAdmin):
    """Pages of rows that belong to tenants, each of which learns that they were looked at before they are shown."""

    def tenants_of(self, rows: list[Any]) -> set[str | None]:
        """Return the ids of the tenants that these rows belong to."""
        return {row.tenant_id for row in rows}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show a page of the list."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            note_view(request, self.tenants_of(list(shown["cl"].result_list)), self.opts.label_lower)
        return response

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show one row."""
        row = kwargs.get("obj")
        if row is not None and row.pk:
            self._note_one(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        """Show what would go with a row."""
        self._note_one(request, context["object"])
        return super().render_delete_form(request, context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Show what was done to a row."""
        row = self.get_object(request, object_id)
        if row is not None:
            self._note_one(request, row)
        return super().history_view(request, object_id, extra_context)

    def _note_one(self, request: HttpRequest, row: Any) -> None:
        note_view(request, self.tenants_of([row]), self.opts.label_lower, str(row.pk))
