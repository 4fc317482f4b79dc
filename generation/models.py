"""What is remembered of a generation and of its images?"""

from functools import cached_property, partial
from typing import Any

from django.db import models
from django.utils import timezone
from PIL.Image import Image as Pixels

from generation.engine.spec import Control, Hires, LoraUse, Refine, Spec
from jobs.models import Job
from loras.models import Checkpoint, ControlNet, Lora, LoraVersion
from loras.storage import local_path
from tenants.ownership import TenantOwned
from wire.ids import new_id


class Upload(TenantOwned):
    """A picture or mask that a tenant gave us, re-encoded by us; kept while a generation refers to it, else a day."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "upl"), editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now, help_text="When it was given or asked for last.")
    blob = models.CharField(max_length=200)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="one_upload_of_a_picture")]
        indexes = [models.Index(fields=["used_at"], name="upload_by_use")]

    def __str__(self) -> str:
        return self.pk


class Batch(TenantOwned):
    """Generations that were asked for together: a list of them, or a sweep over a grid."""

    class Kind(models.TextChoices):
        """How its generations came about."""

        BATCH = "batch"
        SWEEP = "sweep"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "batch"), editable=False)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.BATCH)
    created_at = models.DateTimeField(default=timezone.now)
    axes = models.JSONField(default=list, help_text="Of a sweep: [{field, values}], the first changes slowest.")

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["tenant", "-id"], name="batch_newest")]

    def __str__(self) -> str:
        return self.pk


class GenerationJob(Job):
    """One request for pictures, every value effective."""

    class Kind(models.TextChoices):
        """From what its pictures begin."""

        TEXT = "text_to_image"
        IMAGE = "image_to_image"
        INPAINT = "inpaint"

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
    sigmas = models.CharField(max_length=12, default="default")
    timestep_spacing = models.CharField(max_length=12, default="default", help_text="A preset's.")
    preset = models.CharField(max_length=60, blank=True)
    init_image = models.ForeignKey(Upload, models.PROTECT, null=True, related_name="+")
    strength = models.FloatField(null=True, help_text="Of an image to image or inpaint.")
    mask = models.ForeignKey(Upload, models.PROTECT, null=True, related_name="+")
    mask_mode = models.CharField(max_length=5, blank=True, help_text="Which part of the mask is drawn anew.")
    mask_blur = models.PositiveIntegerField(default=0)
    refiner = models.ForeignKey(Checkpoint, models.PROTECT, null=True, related_name="+")
    refiner_start = models.FloatField(null=True)
    hires_scale = models.FloatField(null=True)
    hires_strength = models.FloatField(null=True)
    exact = models.BooleanField(default=False, help_text="Drawn alone, so that another run gives the same bits.")
    previews = models.PositiveIntegerField(default=0, help_text="How many unfinished pictures are shown on the way.")
    batch = models.ForeignKey(Batch, models.CASCADE, null=True, related_name="jobs")
    batch_index = models.PositiveIntegerField(default=0)
    output_format = models.CharField(max_length=4)
    output_quality = models.PositiveIntegerField()

    class Meta(Job.Meta):
        abstract = False
        indexes = [*Job.Meta.indexes, models.Index(fields=["batch", "batch_index"], name="job_in_batch")]

    @property
    def quantity(self) -> int:
        """Return how many pictures it is asked for."""
        return self.n

    @property
    def kind(self) -> str:
        """Return from what its pictures begin."""
        if self.init_image_id is None:
            return self.Kind.TEXT
        return self.Kind.IMAGE if self.mask_id is None else self.Kind.INPAINT

    @cached_property
    def worn(self) -> list["GenerationLora"]:
        """Return the LoRAs that its pictures are made with: a weight of zero equals none."""
        return [chosen for chosen in self.loras.all() if chosen.weight]

    @cached_property
    def followed(self) -> list["GenerationControl"]:
        """Return the ControlNets that its pictures follow: a weight of zero equals none."""
        return [control for control in self.controls.all() if control.weight]

    @cached_property
    def spec(self) -> Spec:
        """Return what the engine is asked, without its pictures, which a worker has yet to open."""
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
            sigmas=self.sigmas,
            timestep_spacing=self.timestep_spacing,
            strength=1.0 if self.strength is None else self.strength,
            mask_blur=self.mask_blur,
            refiner=self._refine,
            hires=self._hires,
            exact=self.exact,
            previews=self.previews,
        )

    @property
    def _refine(self) -> Refine | None:
        refiner, start = self.refiner, self.refiner_start
        if refiner is None or start is None:
            return None
        return Refine(refiner.name, refiner.source, start, refiner.guidance_scale)

    @property
    def _hires(self) -> Hires | None:
        scale, strength = self.hires_scale, self.hires_strength
        return None if scale is None or strength is None else Hires(scale, strength)


class AsAsked(models.Manager[Any]):
    """What a generation has several of, in the order of the request, with what names it."""

    def __init__(self, *named_by: str) -> None:
        super().__init__()
        self.named_by = named_by

    def get_queryset(self) -> models.QuerySet[Any]:
        """Return the rows."""
        return super().get_queryset().select_related(*self.named_by).order_by("position")


class GenerationLora(models.Model):
    """One LoRA of a generation: the version it is made with, however many come after."""

    owned_through = "job"

    job = models.ForeignKey(GenerationJob, models.CASCADE, related_name="loras")
    position = models.PositiveIntegerField()
    version = models.ForeignKey(LoraVersion, models.PROTECT, related_name="+")
    weight = models.FloatField()

    objects = AsAsked("version__lora")

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


class GenerationControl(models.Model):
    """One ControlNet of a generation, with the picture that it follows."""

    owned_through = "job"

    job = models.ForeignKey(GenerationJob, models.CASCADE, related_name="controls")
    position = models.PositiveIntegerField()
    controlnet = models.ForeignKey(ControlNet, models.PROTECT, related_name="+")
    image = models.ForeignKey(Upload, models.PROTECT, related_name="+")
    preprocess = models.CharField(max_length=20, blank=True, help_text="What makes the control image of it, if any.")
    weight = models.FloatField()
    start = models.FloatField()
    end = models.FloatField()

    objects = AsAsked("controlnet", "image")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="one_control_per_place")]

    def __str__(self) -> str:
        return f"{self.controlnet} {self.weight:g}"

    def over(self, picture: Pixels) -> Control:
        """Return what the engine is asked to follow: this control image."""
        net = self.controlnet
        window = {"start": self.start, "end": self.end}
        return Control(
            net.name, net.source, picture, self.weight, **window, preprocess=self.preprocess, sha256=net.sha256
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


class DiscardedFile(models.Model):
    """A stored file that belongs to no row: a note that outlives a store or a process that fails to remove it.

    One that is due later is of a file whose row is about to be written, and goes with the row's coming.
    """

    key = models.CharField(max_length=200, primary_key=True)
    due_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key
