"""What does an operator see of jobs? Numbers, events and workers; each kind of job has its own page in its app."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from jobs.models import JobEvent, Status, Worker, job_models
from jobs.moves import MOVES
from tenants.operators import ReadOnly, Watched, note_view

# How unfold colours a state, and the event that led there.
STATUS_LABELS: dict[str, str] = {
    Status.QUEUED: "warning",
    Status.RUNNING: "info",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "default",
}
EVENT_LABELS = STATUS_LABELS | {"accepted": "default", "claimed": "info", "requeued": "warning"}


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the admin's first page how the queue and the workers are right now."""
    now = timezone.now()
    # Events by time, not jobs by state: there are few events in an hour and many finished jobs.
    ended = JobEvent.objects.filter(at__gte=now - timedelta(hours=1))
    failed = JobEvent.objects.filter(at__gte=now - timedelta(days=7), status=Status.FAILED)
    recently = now - timedelta(seconds=settings.LEASE_SECONDS)
    ready = Worker.objects.filter(ready=True, seen_at__gte=recently).count()
    context["numbers"] = [
        {"title": "Waiting", "value": _count(Status.QUEUED)},
        {"title": "Running", "value": _count(Status.RUNNING)},
        {"title": "Succeeded (1 h)", "value": ended.filter(status=Status.SUCCEEDED).count()},
        {"title": "Failed (1 h)", "value": ended.filter(status=Status.FAILED).count()},
        {"title": "Workers ready", "value": ready},
    ]
    latest = list(failed.select_related("tenant").order_by("-at")[:8])
    note_view(request, {each.tenant_id for each in latest}, "overview")
    rows = [[f"{each.at:%d %b %H:%M}", _link_to_events(each.job_id), each.tenant, each.detail] for each in latest]
    context["failures"] = {"headers": ["When", "Job", "Tenant", "Why"], "rows": rows}
    return context


def _count(status: Status) -> int:
    return sum(model.objects.filter(status=status).count() for model in job_models())


def _link_to_events(job_id: str) -> str:
    address = reverse("admin:jobs_jobevent_changelist", query={"q": job_id})
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', address, job_id)


class MoveFilter(admin.SimpleListFilter):
    """Which kind of move to show; Django's own filter would read every event to find the kinds."""

    title = "move"
    parameter_name = "move"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the kinds."""
        return [(name, name) for name in sorted({"accepted", *MOVES.values()})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobEvent]) -> QuerySet[JobEvent]:
        """Return the events of the chosen kind."""
        return queryset.filter(name=self.value()) if self.value() else queryset


@admin.register(JobEvent)
class JobEventAdmin(Watched, ReadOnly):
    """Every move of every job."""

    list_display = ["at", "job_id", "tenant", "move", "attempt", "detail"]
    list_filter = [MoveFilter]
    search_fields = ["job_id__exact"]  # "=job_id" would ignore case, which no index serves
    list_select_related = ["tenant"]
    ordering = ["-id"]
    show_full_result_count = False

    @display(description="move", label=EVENT_LABELS)
    def move(self, event: JobEvent) -> str:
        """Return what happened, in its state's colour."""
        return event.name


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """The GPU workers as last seen."""

    list_display = ["name", "ready", "holding", "memory", "started_at", "seen_at"]
    ordering = ["-seen_at"]
    fields = ["name", "host", "pid", "ready", "holding", "started_at", "seen_at", "weights"]
    readonly_fields = ["weights"]

    @admin.display(description="weights on the device")
    def memory(self, worker: Worker) -> str:
        """Return how many bytes of weights are on the device."""
        return filesizeformat(sum(each["nbytes"] for each in worker.resident if each["where"] == "device"))

    @admin.display(description="weights in memory")
    def weights(self, worker: Worker) -> str:
        """Return a table of what lies where, and why."""
        rows = [[each["kind"], each["name"], each["where"], filesizeformat(each["nbytes"]), each["why"]]
                for each in worker.resident]  # fmt: skip
        table = {"headers": ["Kind", "Name", "Where", "Size", "Why"], "rows": rows}
        return render_to_string("unfold/components/table.html", {"table": table})
