"""What does an operator see of generations and images?"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from unfold.admin import TabularInline
from unfold.decorators import display

from generation.links import link_to
from generation.models import GenerationJob, Image
from jobs.admin import STATUS_LABELS, ReadOnly


def preview(image: Image, pixels: int) -> str:
    """Return the picture as HTML, through a link that needs no tenant's key."""
    return format_html('<img src="{}" style="max-height:{}px;border-radius:4px" alt="">', link_to(image), pixels)


class ImageInline(TabularInline):
    """A generation's images."""

    model = Image
    extra = 0
    can_delete = False
    fields = readonly_fields = ["picture", "index", "seed", "width", "height", "format", "size_bytes"]

    @admin.display(description="picture")
    def picture(self, image: Image) -> str:
        """Return a preview."""
        return preview(image, 96)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(GenerationJob)
class GenerationJobAdmin(ReadOnly):
    """The generations of every tenant."""

    list_display = ["id", "tenant", "state", "short_prompt", "size", "n", "attempt", "created_at", "took"]
    list_filter = ["status", "tenant"]
    search_fields = ["id", "prompt"]
    list_select_related = ["tenant"]
    ordering = ["-id"]
    inlines = [ImageInline]
    show_full_result_count = False

    @display(description="status", label=STATUS_LABELS, ordering="status")
    def state(self, job: GenerationJob) -> str:
        """Return the state, in its colour."""
        return job.status

    @admin.display(description="prompt")
    def short_prompt(self, job: GenerationJob) -> str:
        """Return how the prompt begins."""
        return Truncator(job.prompt).chars(80)

    @admin.display(description="took")
    def took(self, job: GenerationJob) -> str:
        """Return the seconds of the last attempt."""
        if not (job.started_at and job.completed_at):
            return "-"
        return f"{(job.completed_at - job.started_at).total_seconds():.1f} s"

    @admin.display(description="size")
    def size(self, job: GenerationJob) -> str:
        """Return width and height."""
        return f"{job.width}x{job.height}"


@admin.register(Image)
class ImageAdmin(ReadOnly):
    """The images of every tenant."""

    list_display = ["picture", "id", "tenant", "generation", "seed", "width", "height", "format", "created_at"]
    list_filter = ["format", "tenant"]
    search_fields = ["id", "job__id", "job__prompt"]
    list_select_related = ["tenant", "job"]
    ordering = ["-id"]
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description="picture")
    def picture(self, image: Image) -> str:
        """Return a preview."""
        return preview(image, 64)

    @admin.display(description="generation")
    def generation(self, image: Image) -> str:
        """Return a link to the generation."""
        address = reverse("admin:generation_generationjob_change", args=[image.job_id])
        return format_html('<a href="{}">{}</a>', address, image.job_id)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show the picture first."""
        return ["picture_large", *[field.name for field in Image._meta.fields]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show, never change."""
        return self.get_fields(request, obj)

    @admin.display(description="picture")
    def picture_large(self, image: Image) -> str:
        """Return the picture itself."""
        return preview(image, 512)
