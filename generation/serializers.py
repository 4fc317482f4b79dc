"""How do a generation and an image look in JSON? Also the source of the OpenAPI document."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation.models import GenerationJob, Image
from generation.spec_serializers import SpecSerializer
from jobs.models import Status
from jobs.prospects import prospects


def absolute(path: str) -> str:
    """Return the address under which callers reach this path."""
    return f"{settings.PUBLIC_URL}{path}"


def with_all_shown(jobs: QuerySet[Any]) -> QuerySet[Any]:
    """Return the jobs with all that their JSON shows, in as few queries as there are kinds of it."""
    # Not the tenant: SQLite, once it knows how few they are, would begin with it and sort all of its jobs.
    return jobs.select_related("checkpoint", "refiner").prefetch_related("images", "loras", "controls")


class ImageSerializer(serializers.ModelSerializer[Image]):
    """An image; its URLs want the key or the session."""

    object = serializers.ReadOnlyField(default="image")
    url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    generation = serializers.CharField(source="job_id")

    class Meta:
        model = Image
        fields = [
            "id", "object", "generation", "created_at", "url", "thumbnail_url",
            "seed", "width", "height", "format", "size_bytes", "sha256", "receipt",
        ]  # fmt: skip

    def get_url(self, image: Image) -> str:
        """Return where the file is."""
        return absolute(f"/api/v1/images/{image.pk}/content")

    def get_thumbnail_url(self, image: Image) -> str:
        """Return where a small one is."""
        return f"{self.get_url(image)}?size=thumbnail"


class ProgressSerializer(serializers.Serializer[GenerationJob]):
    """How far the denoising is."""

    step = serializers.IntegerField(source="progress_step")
    steps = serializers.IntegerField(source="progress_steps")


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a job waits."""

    code = serializers.CharField()
    message = serializers.CharField()


class QueueSerializer(serializers.Serializer[Any]):
    """How a waiting job stands among its own tenant's, and when it will have finished."""

    position = serializers.IntegerField(help_text="Among your tenant's waiting jobs; 1 is next.")
    ahead_seconds = serializers.FloatField(help_text="GPU-seconds of your tenant's work that come before it.")
    eta_p50 = serializers.DateTimeField(allow_null=True, help_text="As likely earlier as later; null: nobody knows.")
    eta_p90 = serializers.DateTimeField(allow_null=True, help_text="Nine times of ten earlier.")
    reasons = ReasonSerializer(many=True)


class CostSerializer(serializers.Serializer[Any]):
    """What a job costs: the most that it is charged, and what it was charged once it has ended."""

    unit = serializers.CharField(default="gpu_seconds")
    quoted = serializers.FloatField()
    charged = serializers.FloatField(allow_null=True)


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed."""

    code = serializers.CharField()
    message = serializers.CharField()
    param = serializers.CharField(allow_null=True)


class UrlsSerializer(serializers.Serializer[Any]):
    """Where to go on."""

    self = serializers.CharField()
    cancel = serializers.CharField()
    events = serializers.CharField()


class GenerationSerializer(serializers.ModelSerializer[GenerationJob]):
    """A generation with its images. Clients must tolerate new states and fields."""

    object = serializers.ReadOnlyField(default="generation")
    kind = serializers.ChoiceField(choices=GenerationJob.Kind.choices)
    batch = serializers.CharField(source="batch_id", allow_null=True, help_text="With which it was asked, if any.")
    spec = SpecSerializer(source="*")
    progress = ProgressSerializer(source="*")
    queue = serializers.SerializerMethodField()
    cost = serializers.SerializerMethodField()
    images = ImageSerializer(many=True)
    error = serializers.SerializerMethodField()
    urls = serializers.SerializerMethodField()

    class Meta:
        model = GenerationJob
        fields = [
            "id", "object", "kind", "status", "created_at", "started_at", "completed_at", "attempt",
            "batch", "batch_index", "spec", "progress", "queue", "cost", "images", "error", "urls",
        ]  # fmt: skip

    @extend_schema_field(QueueSerializer(allow_null=True))
    def get_queue(self, job: GenerationJob) -> QueueSerializer | None:
        """Return how it stands while it waits."""
        if job.status != Status.QUEUED:
            return None
        known = self.context.get("prospects")
        if known is None:
            known = prospects(GenerationJob, job.tenant_id, [job.pk])
        prospect = known.get(job.pk)  # None: it began this moment
        return QueueSerializer(prospect).data if prospect else None  # type: ignore[return-value]

    def get_cost(self, job: GenerationJob) -> CostSerializer:
        """Return what it is charged at most, and what it was charged."""
        charged = None if job.charged_ms is None else job.charged_ms / 1000
        return {"unit": "gpu_seconds", "quoted": job.quoted_ms / 1000, "charged": charged}  # type: ignore[return-value]

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, job: GenerationJob) -> ErrorSerializer | None:
        """Return why the job failed."""
        if not job.error_code:
            return None
        return {"code": job.error_code, "message": job.error_message, "param": None}  # type: ignore[return-value]

    def get_urls(self, job: GenerationJob) -> UrlsSerializer:
        """Return where to go on; clients need not build addresses."""
        own = absolute(f"/api/v1/generations/{job.pk}")
        return {"self": own, "cancel": f"{own}/cancel", "events": f"{own}/events"}  # type: ignore[return-value]
