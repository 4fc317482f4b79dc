"""What is remembered of a generation and of its images?"""

from functools import cached_property, partial
from typing import Any

from django.db import models
from django.utils import timezone

from generation.engine.spec import LoraUse, Spec
from jobs.models import Job
from loras.models import Checkpoint, Lora, LoraVersion
from loras.storage import local_path
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

    @cached_property
    def worn(self) -> list["GenerationLora"]:
        """Return the LoRAs that its pictures are made with: a weight of zero equals none."""
        return [chosen for chosen in self.loras.all() if chosen.weight]

    @cached_property
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
            loras=tuple(chosen.use for chosen in self.worn),
        )


class AsAsked(models.Manager[Any]):
    """The LoRAs of generations in the order of the request, with what names them."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """Return the rows."""
        return super().get_queryset().select_related("version__lora").order_by("position")


class GenerationLora(models.Model):
    """One LoRA of a generation: the version it is made with, however many come after."""

    job = models.ForeignKey(GenerationJob, models.CASCADE, related_name="loras")
    position = models.PositiveIntegerField()
    version = models.ForeignKey(LoraVersion, models.PROTECT, related_name="+")
    weight = models.FloatField()

    objects = AsAsked()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="one_lora_per_place")]

    def __str__(self) -> str:
        return f"{self.lora} {self.weight:g}"

    @property
    def lora(self) -> Lora:
        """Return the LoRA that the version is of."""
        lora: Lora = self.version.lora
        return lora

    @property
    def use(self) -> LoraUse:
        """Return what the engine is asked to put on."""
        version = self.version
        return LoraUse(self.lora.name, local_path(version), version.sha256, self.weight, version.autov3)


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
