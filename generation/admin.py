"""What does an operator see of generations and images?"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from unfold.admin import TabularInline
from unfold.decorators import display

from generation.links import link_to, link_to_thumbnail
from generation.models import GenerationJob, Image
from jobs.admin import STATUS_LABELS
from tenants.operators import ReadOnly, Watched

LINK = "text-primary-600 dark:text-primary-500"  # unfold's look of a link in a read-only field


def preview(address: str, pixels: int) -> str:
    """Return the picture at this address, which needs no tenant's key, as HTML."""
    return format_html('<img src="{}" style="max-height:{}px;border-radius:4px" alt="">', address, pixels)


class ImageInline(TabularInline):
    """A generation's images."""

    model = Image
    extra = 0
    can_delete = False
    show_change_link = True
    fields = readonly_fields = ["picture", "index", "seed", "format", "size_bytes"]

    @admin.display(description="picture")
    def picture(self, image: Image) -> str:
        """Return a preview."""
        return preview(link_to_thumbnail(image), 160)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(GenerationJob)
class GenerationJobAdmin(Watched, ReadOnly):
    """The generations of every tenant."""

    list_display = ["id", "tenant", "state", "short_prompt", "asked", "created_at", "took"]
    list_filter = ["status", "tenant"]
    search_fields = ["id", "prompt"]
    list_select_related = ["tenant"]
    ordering = ["-id"]
    inlines = [ImageInline]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["tenant", "key", "state", "error_code", "error_message", "created_at", "took", "events"]}),
        ("Asked", {"fields": ["prompt", "negative_prompt", ("width", "height"), ("n", "seed"),
                              ("steps", "guidance_scale"), ("scheduler", "sigmas", "timestep_spacing"),
                              ("checkpoint", "preset"),
                              "with_loras", "with_controlnets", ("init_image", "strength"),
                              ("mask", "mask_mode", "mask_blur"), ("refiner", "refiner_start"),
                              ("hires_scale", "hires_strength"), ("exact", "previews"),
                              ("output_format", "output_quality")]}),
        ("Attempt", {"fields": [("attempt", "crashes"), "worker", ("progress_step", "progress_steps"),
                                "lease_until", "cancel_requested_at", ("started_at", "completed_at")]}),
    ]  # fmt: skip
    readonly_fields = ["state", "took", "events", "with_loras", "with_controlnets"]

    @display(description="status", label=STATUS_LABELS, ordering="status")
    def state(self, job: GenerationJob) -> str:
        """Return the state, in its colour."""
        return job.status

    @admin.display(description="prompt")
    def short_prompt(self, job: GenerationJob) -> str:
        """Return how the prompt begins."""
        return Truncator(job.prompt).chars(60)

    @admin.display(description="LoRAs")
    def with_loras(self, job: GenerationJob) -> str:
        """Return which files are put on, and how strongly."""
        return ", ".join(f"{each.version} {each.weight:g}" for each in job.loras.all()) or "-"

    @admin.display(description="ControlNets")
    def with_controlnets(self, job: GenerationJob) -> str:
        """Return which pictures are followed, and how strongly."""
        return ", ".join(f"{each} on {each.image}" for each in job.controls.all()) or "-"

    @admin.display(description="asked")
    def asked(self, job: GenerationJob) -> str:
        """Return how many pictures of which size."""
        return f"{job.n} of {job.width}x{job.height}"

    @admin.display(description="took")
    def took(self, job: GenerationJob) -> str:
        """Return the seconds of the last attempt."""
        return "-" if job.seconds is None else f"{job.seconds:.1f} s"

    @admin.display(description="events")
    def events(self, job: GenerationJob) -> str:
        """Return a link to every move of this job."""
        address = reverse("admin:jobs_jobevent_changelist", query={"q": job.pk})
        return format_html('<a class="{}" href="{}">Every move of this job</a>', LINK, address)


@admin.register(Image)
class ImageAdmin(Watched, ReadOnly):
    """The images of every tenant."""

    list_display = ["picture", "id", "tenant", "generation", "seed", "file", "created_at"]
    list_display_links = ["picture", "id"]
    list_filter = ["format", "tenant"]
    search_fields = ["id", "job__id", "job__prompt"]
    list_select_related = ["tenant", "job"]
    ordering = ["-id"]
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description="picture")
    def picture(self, image: Image) -> str:
        """Return a preview."""
        return preview(link_to_thumbnail(image), 64)

    @admin.display(description="generation")
    def generation(self, image: Image) -> str:
        """Return a link to the generation."""
        address = reverse("admin:generation_generationjob_change", args=[image.job_id])
        return format_html('<a href="{}">{}</a>', address, Truncator(image.job.prompt).chars(60))

    @admin.display(description="file")
    def file(self, image: Image) -> str:
        """Return size and format."""
        return f"{image.width}x{image.height} {image.format}"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show the picture first."""
        return ["picture_large", *[field.name for field in Image._meta.fields]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show, never change."""
        return self.get_fields(request, obj)

    @admin.display(description="picture")
    def picture_large(self, image: Image) -> str:
        """Return the picture itself."""
        return preview(link_to(image), 512)
