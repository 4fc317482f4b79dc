"""What does an operator see of the shelf?"""

from django.contrib import admin
from unfold.admin import ModelAdmin

from loras.models import Checkpoint


@admin.register(Checkpoint)
class CheckpointAdmin(ModelAdmin):
    """The checkpoints and their defaults."""

    list_display = ["name", "title", "is_default", "width", "height", "steps", "guidance_scale", "scheduler"]
    readonly_fields = ["id", "created_at"]
