"""Which weights stand on the shelf, and what does each want when a request says nothing?"""

from functools import partial
from typing import Any, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.models import Tenant
from wire.ids import new_id

# Names stand in URLs and in AUTOMATIC1111's <lora:name:weight>: its signs are left out.
NAME = r"\w[\w .()+-]*"
named = RegexValidator(
    rf"\A{NAME}\Z", "A name has letters, digits, spaces and . _ - + ( ), and begins with a letter or digit."
)

NAME_IS_TAKEN = "There is a LoRA of this name. Its own page takes the file of its next version."


class Checkpoint(models.Model):
    """SDXL weights that the operator offers to every tenant."""

    class Kind(models.TextChoices):
        """What it is for."""

        BASE = "base"
        REFINER = "refiner"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "ckpt"), editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="What requests call it.")
    title = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.BASE)
    source = models.CharField(
        max_length=500, help_text="A diffusers folder, a .safetensors file or a hub id, as the worker sees it."
    )
    is_default = models.BooleanField(default=False, help_text="The one for requests that name none.")
    context_width = models.PositiveIntegerField(
        null=True, blank=True, help_text="How wide the text is that it reads, 2048 for SDXL; empty: not known yet."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    width = models.PositiveIntegerField(default=1024)
    height = models.PositiveIntegerField(default=1024)
    steps = models.PositiveIntegerField(default=30)
    guidance_scale = models.FloatField(default=7.5)
    scheduler = models.CharField(max_length=60, default="EulerDiscreteScheduler")
    presets = models.JSONField(
        default=list,
        blank=True,
        help_text="Settings that go together, for few steps or another look: [{name, steps, guidance_scale, ...}].",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_checkpoint"),
            models.CheckConstraint(condition=Q(is_default=False) | Q(kind="base"), name="default_is_a_base"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def defaults(self) -> dict[str, Any]:
        """Return what takes the place of absent fields of a request."""
        names = ("width", "height", "steps", "guidance_scale", "scheduler")
        return {name: getattr(self, name) for name in names}


class ControlNet(models.Model):
    """Weights that make a picture follow another's outlines, depth or pose; the operator's, for every tenant."""

    class Kind(models.TextChoices):
        """What it follows."""

        CANNY = "canny"
        DEPTH = "depth"
        POSE = "openpose", "pose"
        LINEART = "lineart", "line art"
        SCRIBBLE = "scribble"
        SOFT_EDGE = "softedge", "soft edges"
        TILE = "tile"
        OTHER = "other"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "cnet"), editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="What requests call it.")
    title = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    source = models.CharField(max_length=500, help_text="A diffusers folder, as the worker sees it.")
    sha256 = models.CharField(max_length=64, editable=False)
    context_width = models.PositiveIntegerField(editable=False)
    weight = models.FloatField(default=1.0, help_text="How strongly it is followed when a request does not say.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "ControlNet"

    def __str__(self) -> str:
        return self.name


class LoraQuerySet(models.QuerySet["Lora"]):
    """LoRAs; doors ask for those of a tenant."""

    def usable_by(self, tenant: Tenant | str) -> Self:
        """Return what this tenant may ask for: its own and what the operator offers to all."""
        return self.filter(Q(tenant=None) | Q(tenant=tenant), withdrawn_at=None)


class Lora(models.Model):
    """A LoRA. Its file is a version's: requests take the newest, a job keeps the one it was made with."""

    shared_without_tenant = True

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "lora"), editable=False)
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="+", help_text="Empty: every tenant may use it."
    )
    name = models.CharField(max_length=100, validators=[named], help_text="What requests call it.")
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    trigger_words = models.CharField(
        max_length=1000, blank=True, help_text="What a prompt says to call it up, separated by commas."
    )
    tags = models.CharField(max_length=500, blank=True, help_text="Separated by commas.")
    license = models.CharField(max_length=200, blank=True)
    base = models.CharField(max_length=200, blank=True, help_text="What its file says that it was trained for.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since then no request finds it; what was made with it stays."
    )

    objects = LoraQuerySet.as_manager()

    class Meta:
        verbose_name = "LoRA"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="one_lora_of_a_name_per_tenant", violation_error_message=NAME_IS_TAKEN
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(tenant=None),
                name="one_lora_of_a_name_for_all",
                violation_error_message=NAME_IS_TAKEN,
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-id"], name="lora_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> list[str]:
        """Return the trigger words."""
        return split(self.trigger_words)

    @property
    def tag_list(self) -> list[str]:
        """Return the tags."""
        return split(self.tags)

    @property
    def newest_first(self) -> list["LoraVersion"]:
        """Return the versions, first the one that requests take."""
        return sorted(self.versions.all(), key=lambda version: -version.number)


class LoraVersion(models.Model):
    """One file of a LoRA, with the names that the world knows it by."""

    owned_through = "lora"

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "lver"), editable=False)
    lora = models.ForeignKey(Lora, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    blob = models.CharField(max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    autov1 = models.CharField("AutoV1", max_length=8, db_index=True)
    autov2 = models.CharField("AutoV2", max_length=10, db_index=True)
    autov3 = models.CharField("AutoV3", max_length=64, db_index=True)
    crc32 = models.CharField("CRC32", max_length=8, db_index=True)
    rank = models.PositiveIntegerField(help_text="The highest of its layers'.")
    parts = models.JSONField(help_text="Which models it changes: unet, text_encoder, text_encoder_2.")
    context_width = models.PositiveIntegerField(
        null=True, help_text="How wide the text was that it was trained with; empty: its file does not say."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "LoRA version"
        constraints = [
            models.UniqueConstraint(fields=["lora", "number"], name="one_version_per_number"),
            models.UniqueConstraint(fields=["lora", "sha256"], name="one_version_per_file"),
        ]

    def __str__(self) -> str:
        return f"{self.lora} v{self.number}"


def split(words: str) -> list[str]:
    """Return what stands between the commas."""
    return [word.strip() for word in words.split(",") if word.strip()]
