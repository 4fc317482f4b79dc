"""What is remembered of a job, of each of its moves, and of the workers?"""

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone

from quotas.ledger import Charge, Reservation
from tenants.models import ApiKey, Tenant
from tenants.ownership import TenantOwned


class Status(models.TextChoices):
    """Where a job stands. Clients must tolerate states that come later."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FLEX_CHARGE = 0.5
LEAST_MS = 100  # every job counts for so much at least: claiming it and storing what it makes takes time as well
TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


class Tier(models.TextChoices):
    """How urgent a job is among its tenant's; what is flex also waits for other tenants', at half the charge."""

    INTERACTIVE = "interactive"
    STANDARD = "standard"
    FLEX = "flex"


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

    tier = models.CharField(max_length=11, choices=Tier, default=Tier.STANDARD)
    finish_by = models.DateTimeField(null=True, help_text="Its owner has no use for it later: then it is cancelled.")
    affinity = models.CharField(max_length=40, blank=True, help_text="Which large weights it needs.")
    estimated_ms = models.PositiveBigIntegerField(default=0, help_text="GPU-milliseconds that it will probably take.")
    quoted_ms = models.PositiveBigIntegerField(default=0, help_text="The most that it will be charged, and reserves.")
    measured_ms = models.PositiveBigIntegerField(default=0, help_text="What its last attempt took.")
    charged_ms = models.PositiveBigIntegerField(null=True, help_text="Empty until it has ended.")
    webhook_url = models.CharField(max_length=2000, blank=True)
    webhook_events = models.JSONField(default=list, help_text="Of which moves that address hears; empty: all.")
    deadline_param = "finish_by"  # what said until when, for the refusal of a new one; not remembered

    class Meta:
        abstract = True
        indexes = [
            # For the claim, the sweep and the counts. Not partial: SQLite ignores those for values given as parameters.
            # To the last column, so that the claim and the forecast read no row of those that wait.
            models.Index(
                fields=["status", "crashes", "tenant", "tier", "affinity", "created_at", "estimated_ms"],
                name="%(class)s_alive",
            ),
            models.Index(fields=["status", "finish_by"], name="%(class)s_by_deadline"),
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
    def quantity(self) -> int:
        """Return how many pictures it is asked for."""
        return 0

    @property
    def counted_ms(self) -> int:
        """Return how many GPU-milliseconds it counts for until it was measured."""
        return max(self.estimated_ms, LEAST_MS)

    @property
    def progress_part(self) -> float:
        """Return how much of it is done, from 0 to 1."""
        return min(1.0, self.progress_step / self.progress_steps) if self.progress_steps else 0.0

    @property
    def reservation(self) -> Reservation:
        """Return the most that it may come to."""
        return Reservation(self.pk, self.quoted_ms, self.quantity, self.key_id or "")

    @property
    def charge(self) -> Charge:
        """Return what it comes to, now that it has ended: never more than was quoted, and nothing for a failure."""
        worked = self.status in (Status.SUCCEEDED, Status.CANCELLED)
        images = self.quantity if self.status == Status.SUCCEEDED else 0
        share = FLEX_CHARGE if self.tier == Tier.FLEX else 1.0
        return Charge(self.pk, min(round(self.measured_ms * share), self.quoted_ms) if worked else 0, images)

    @property
    def seconds(self) -> float | None:
        """Return how long the last attempt took, None unless it has ended."""
        if self.started_at is None or self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()


def job_models() -> list[type[Job]]:
    """Return the concrete kinds of job that the installed apps bring."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


class Share(models.Model):
    """How much of the GPU a tenant has had, in weighted milliseconds since it last had anything waiting."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    served = models.FloatField(default=0.0, help_text="GPU-milliseconds divided by the tenant's weight.")

    class Meta:
        indexes = [models.Index(fields=["served"], name="share_by_served")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.served:.0f}"


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
