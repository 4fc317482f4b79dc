"""What is remembered of a job, of each of its moves, and of the workers?"""

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.models import ApiKey
from tenants.ownership import TenantOwned


class Status(models.TextChoices):
    """Where a job stands. Clients must tolerate states that come later."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


class Job(TenantOwned):
    """Background work of a tenant. Its state changes only through `jobs.moves`."""

    id = models.CharField(primary_key=True, max_length=40, editable=False)
    key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, help_text="None: from the dashboard.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    attempt = models.PositiveIntegerField(default=0, help_text="Rises with every claim: the fencing token.")
    crashes = models.PositiveIntegerField(default=0, help_text="How many attempts died with their worker.")
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, help_text="Renewed by progress alone; lapsed means the worker died.")
    cancel_requested_at = models.DateTimeField(null=True)

    progress_step = models.PositiveIntegerField(default=0)
    progress_steps = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        abstract = True
        indexes = [
            # For the claim, the sweep and the counts. Not partial: SQLite ignores those for values given as parameters.
            models.Index(fields=["status", "crashes", "id"], name="%(class)s_alive"),
            models.Index(fields=["tenant", "-id"], name="%(class)s_newest"),
            models.Index(fields=["tenant", "status", "id"], name="%(class)s_by_status"),
        ]

    def __str__(self) -> str:
        return self.pk

    @property
    def is_finished(self) -> bool:
        """Return whether the state is final."""
        return self.status in TERMINAL

    @property
    def seconds(self) -> float | None:
        """Return how long the last attempt took, None unless it has ended."""
        if self.started_at is None or self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()


def job_models() -> list[type[Job]]:
    """Return the concrete kinds of job that the installed apps bring."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


class JobEvent(TenantOwned):
    """One move of one job; rows are only ever added."""

    job_id = models.CharField(max_length=40)
    attempt = models.PositiveIntegerField()
    name = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status)
    at = models.DateTimeField(default=timezone.now)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job_id"], condition=Q(status__in=sorted(TERMINAL)), name="one_terminal_event_per_job"
            )
        ]
        indexes = [
            models.Index(fields=["job_id", "id"], name="jobevent_of_job"),
            models.Index(fields=["at"], name="jobevent_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.name}"


class Worker(models.Model):
    """A GPU worker process, as last seen."""

    name = models.CharField(primary_key=True, max_length=100)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    ready = models.BooleanField(default=False, help_text="Its checkpoint is loaded: a job claimed now starts at once.")
    holding = models.PositiveIntegerField(default=0, help_text="How many jobs it works on.")
    resident = models.JSONField(default=list, help_text="Which weights lie in its memory, and why.")

    def __str__(self) -> str:
        return self.name
