"""What does an operator see of jobs? The events and the workers; each kind of job has its own page in its app."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from jobs.models import JobEvent, Worker


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


@admin.register(JobEvent)
class JobEventAdmin(ReadOnly):
    """Every move of every job."""

    list_display = ["at", "job_id", "tenant", "name", "attempt", "detail"]
    list_filter = ["name"]
    search_fields = ["job_id"]
    list_select_related = ["tenant"]
    ordering = ["-id"]
    show_full_result_count = False


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """The GPU workers as last seen."""

    list_display = ["name", "ready", "job_id", "started_at", "seen_at"]
    ordering = ["-seen_at"]
