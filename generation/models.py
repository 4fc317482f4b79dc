"""What is remembered of a generation and of its images?"""

from functools import partial

from django.db import models
from django.utils import timezone

from generation.engine.spec import Spec
from jobs.models import Job
from loras.models import Checkpoint
from tenants.ownership import TenantOwned
from wire.ids import new_id


class GenerationJob(Job):
    """One request for pictures, every value effective."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "gen"), editable=False)
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT)
    prompt = models.TextField()
    negative_prompt = models.TextField(blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    steps = models.PositiveIntegerField()
    guidance_scale = models.FloatField()
    seed = models.BigIntegerField()
    n = models.PositiveIntegerField()
    scheduler = models.CharField(max_length=60)
    output_format = models.CharField(max_length=4)
    output_quality = models.PositiveIntegerField()

    class Meta(Job.Meta):
        abstract = False

    @property
    def spec(self) -> Spec:
        """Return what the engine is asked."""
        return Spec(
            checkpoint=self.checkpoint.source,
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            width=self.width,
            height=self.height,
            steps=self.steps,
            guidance_scale=self.guidance_scale,
            seed=self.seed,
            n=self.n,
            scheduler=self.scheduler,
        )


class Image(TenantOwned):
    """A stored picture. Its blobs lie under their attempt's name, so no two attempts ever share one."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "img"), editable=False)
    job = models.ForeignKey(GenerationJob, models.CASCADE, related_name="images")
    index = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    seed = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    format = models.CharField(max_length=4)
    blob = models.CharField(max_length=200)
    thumbnail = models.CharField(max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    receipt = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="one_image_per_place")]
        indexes = [models.Index(fields=["tenant", "-id"], name="image_newest")]

    def __str__(self) -> str:
        return self.pk

    @property
    def media_type(self) -> str:
        """Return the file's MIME type, from our own encoding and never from a name."""
        return f"image/{self.format}"


class DiscardedFile(models.Model):
    """A stored file whose image was deleted: a note that outlives a store or a process that fails to remove it."""

    key = models.CharField(max_length=200, primary_key=True)

    def __str__(self) -> str:
        return self.key
