"""Which weights stand on the shelf, and what does each want when a request says nothing?"""

from functools import partial
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from wire.ids import new_id


class Checkpoint(models.Model):
    """Base SDXL weights that the operator offers to every tenant."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "ckpt"), editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="What requests call it.")
    title = models.CharField(max_length=200, blank=True)
    source = models.CharField(
        max_length=500, help_text="A diffusers folder, a .safetensors file or a hub id, as the worker sees it."
    )
    is_default = models.BooleanField(default=False, help_text="The one that the workers load.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    width = models.PositiveIntegerField(default=1024)
    height = models.PositiveIntegerField(default=1024)
    steps = models.PositiveIntegerField(default=30)
    guidance_scale = models.FloatField(default=7.5)
    scheduler = models.CharField(max_length=60, default="EulerDiscreteScheduler")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="one_default_checkpoint")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def defaults(self) -> dict[str, Any]:
        """Return what takes the place of absent fields of a request."""
        names = ("width", "height", "steps", "guidance_scale", "scheduler")
        return {name: getattr(self, name) for name in names}
