"""What is remembered of plans, limits, what was used, and what things cost?"""

from functools import partial
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.models import Tenant
from tenants.ownership import TenantOwned
from wire.ids import new_id


class Limits(models.Model):
    """What a tenant may use. An empty limit of a plan means none; one of an allowance means the plan's."""

    images_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    images_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    gpu_seconds_per_day = models.PositiveBigIntegerField("GPU-seconds per day", null=True, blank=True)
    gpu_seconds_per_month = models.PositiveBigIntegerField("GPU-seconds per month", null=True, blank=True)
    training_minutes_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    running_jobs = models.PositiveIntegerField("jobs at once", null=True, blank=True)
    queued_jobs = models.PositiveIntegerField("waiting jobs", null=True, blank=True)
    storage_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    loras = models.PositiveIntegerField("LoRAs", null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    max_pixels = models.PositiveIntegerField("pixels of a picture", null=True, blank=True)
    max_steps = models.PositiveIntegerField("steps", null=True, blank=True)
    max_n = models.PositiveIntegerField("pictures of a request", null=True, blank=True)
    weight = models.FloatField(null=True, blank=True, help_text="Its share of the GPU beside others'; 1 when empty.")

    class Meta:
        abstract = True


class Plan(Limits):
    """Limits that many tenants have in common."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "plan"), editable=False)
    name = models.CharField(max_length=100, unique=True)
    is_default = models.BooleanField(default=False, help_text="Of tenants without a plan of their own.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_plan")
        ]

    def __str__(self) -> str:
        return self.name


class Allowance(Limits):
    """Which plan a tenant has, and what an operator grants it instead. A tenant without one has the default plan."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"Allowance of {self.tenant}"


class Spending(TenantOwned):
    """What a tenant has used, and holds reserved, in one day or month of its time zone. Times are GPU-milliseconds."""

    class Period(models.TextChoices):
        """How long."""

        DAY = "day"
        MONTH = "month"

    period = models.CharField(max_length=5, choices=Period)
    starts_on = models.DateField(help_text="The first day, by the tenant's calendar.")
    reserved_images = models.BigIntegerField(default=0)
    spent_images = models.BigIntegerField(default=0)
    reserved_ms = models.BigIntegerField(default=0)
    spent_ms = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "period", "starts_on"], name="one_spending_per_period"),
            models.CheckConstraint(
                condition=Q(reserved_images__gte=0, spent_images__gte=0, reserved_ms__gte=0, spent_ms__gte=0),
                name="nothing_is_spent_backwards",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period} from {self.starts_on}"


class LedgerEntry(TenantOwned):
    """What was reserved for a job, and what it came to in the end: at most one row of each kind, never changed."""

    class Kind(models.TextChoices):
        """Which."""

        RESERVE = "reserve"
        SETTLE = "settle"

    job_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=7, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    day = models.DateField(help_text="Of the reservation, by the tenant's calendar; the charge counts for it too.")
    ms = models.BigIntegerField(help_text="GPU-milliseconds.")
    images = models.IntegerField()
    key_id = models.CharField(max_length=40, blank=True, help_text="With which it was asked; empty: the dashboard.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job_id", "kind"], name="one_entry_of_a_kind_per_job")]
        # All that usage by day and key asks for, so that a year of it is read from the index alone.
        indexes = [
            models.Index(fields=["tenant", "kind", "day", "key_id", "images", "ms", "job_id"], name="ledger_by_day")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.job_id}"


class StoredFile(models.Model):
    """A row whose file counts towards what its tenant keeps here."""

    owned_through: ClassVar[str] = ""
    address: ClassVar[str] = ""  # where the API has it under its id; empty: nowhere

    size_bytes = models.PositiveBigIntegerField()

    class Meta:
        abstract = True


class StorageUse(models.Model):
    """How much a tenant keeps here; counted in the transactions that add and remove the rows of its files."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(bytes__gte=0), name="no_negative_storage")]

    def __str__(self) -> str:
        return f"{self.bytes} bytes of {self.tenant}"


class Quote(TenantOwned):
    """What a request would cost at most if it came within minutes."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "quo"), editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    digest = models.CharField(max_length=64, help_text="Of the request that it is for.")
    ms = models.BigIntegerField(help_text="GPU-milliseconds.")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="quote_by_expiry")]

    def __str__(self) -> str:
        return self.pk


class CostRate(models.Model):
    """How long a unit of some work takes, learnt from jobs that were measured."""

    subject = models.CharField(primary_key=True, max_length=120, help_text="Which work, for example a checkpoint's.")
    ms_per_unit = models.FloatField(help_text="GPU-milliseconds of a unit in the usual case.")
    spread = models.FloatField(default=0.0, help_text="How far it varies: a mean deviation of the logarithm.")
    measured = models.PositiveBigIntegerField(default=0, help_text="How many jobs taught it.")
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.subject
