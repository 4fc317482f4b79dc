"""What does an operator see of the shelf, and put on it?"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.text import Truncator
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from loras.forms import TOLD, CheckpointForm, ControlNetForm, LoraForm
from loras.models import Checkpoint, ControlNet, Lora, LoraVersion
from loras.services import make_default, register_lora, remove_lora
from tenants.operators import Watched
from wire.errors import ApiError


@admin.register(Checkpoint)
class CheckpointAdmin(ModelAdmin):
    """The checkpoints and their defaults."""

    form = CheckpointForm
    list_display = ["name", "title", "kind", "is_default", "width", "height", "steps", "guidance_scale", "scheduler"]
    readonly_fields = ["id", "kind", "is_default", "context_width", "created_at"]
    actions = ["use_by_default"]

    @admin.action(description="Make it the default")
    def use_by_default(self, request: HttpRequest, checkpoints: QuerySet[Checkpoint]) -> None:
        """Let requests that name none get this one."""
        chosen = list(checkpoints)
        if len(chosen) != 1 or chosen[0].kind != Checkpoint.Kind.BASE:
            messages.error(request, "Choose one base checkpoint.")
            return
        make_default(chosen[0])
        messages.success(request, f"{chosen[0]} is the default until a worker starts with another.")


@admin.register(ControlNet)
class ControlNetAdmin(ModelAdmin):
    """The ControlNets."""

    form = ControlNetForm
    list_display = ["name", "title", "kind", "source", "created_at"]
    list_filter = ["kind"]
    readonly_fields = ["id", "sha256", "context_width", "created_at"]


class VersionInline(TabularInline):
    """A LoRA's files."""

    model = LoraVersion
    extra = 0
    can_delete = False
    ordering = ["-number"]
    fields = readonly_fields = ["number", "rank", "changes", "size", "hashes", "created_at"]

    @admin.display(description="changes")
    def changes(self, version: LoraVersion) -> str:
        """Return which models it changes."""
        return ", ".join(version.parts)

    @admin.display(description="size")
    def size(self, version: LoraVersion) -> str:
        """Return the file's size."""
        return filesizeformat(version.size_bytes)

    @admin.display(description="SHA-256, AutoV1, AutoV2, AutoV3, CRC32")
    def hashes(self, version: LoraVersion) -> str:
        """Return every hash."""
        return " ".join([version.sha256, version.autov1, version.autov2, version.autov3[:12], version.crc32])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a version comes with its file."""
        return False


@admin.register(Lora)
class LoraAdmin(Watched):
    """The LoRAs; a file put in here goes through the same door as every other.

    Nobody deletes one by the usual button: generations may have been made with it. The action knows.
    """

    form = LoraForm
    list_display = ["name", "title", "state", "offered_to", "version", "rank", "size", "calls", "created_at"]
    list_filter = ["tenant"]
    search_fields = ["name", "title", "trigger_words", "tags", "versions__sha256", "versions__autov2"]
    list_select_related = ["tenant"]
    ordering = ["-id"]
    actions = ["remove"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lora]:
        """Return the LoRAs with their versions."""
        return super().get_queryset(request).prefetch_related("versions")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Ask for the file first."""
        return ["file", "tenant", "name", *TOLD, *([] if obj is None else ["base", "id", "created_at"])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Let a LoRA keep whose it is and what requests call it."""
        return [] if obj is None else ["tenant", "name", "base", "id", "created_at"]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        """Show the files of a LoRA that is there."""
        return [] if obj is None else [VersionInline]

    def save_model(self, request: HttpRequest, obj: Lora, form: Any, change: bool) -> None:
        """Register the file, if there is one, through the one door."""
        upload = form.cleaned_data.get("file")
        if change:
            super().save_model(request, obj, form, change)
        if not upload:
            return
        told = {} if change else {name: form.cleaned_data[name] for name in TOLD}
        version, is_new = register_lora(upload, obj.name, tenant=obj.tenant, told=told, found=form.found)
        obj.pk = version.lora_id
        if not is_new:
            messages.warning(request, f"This file is on the shelf already: {version}.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    @admin.action(description="Remove from the shelf")
    def remove(self, request: HttpRequest, loras: QuerySet[Lora]) -> None:
        """Remove them, or withdraw those that generations were made with."""
        for lora in loras:
            try:
                is_gone = remove_lora(lora)
            except ApiError as error:
                messages.error(request, error.message)
            else:
                kept = "withdrawn: no request finds it. Generations were made with it, so its file stays for them"
                messages.success(request, f"{lora} is {'removed' if is_gone else kept}.")

    @display(description="state", label={"offered": "success", "withdrawn": "warning"})
    def state(self, lora: Lora) -> str:
        """Return whether requests find it."""
        return "withdrawn" if lora.withdrawn_at else "offered"

    @admin.display(description="offered to", empty_value="every tenant", ordering="tenant")
    def offered_to(self, lora: Lora) -> Any:
        """Return whose it is."""
        return lora.tenant

    @admin.display(description="trigger words")
    def calls(self, lora: Lora) -> str:
        """Return the first trigger words."""
        return Truncator(lora.trigger_words).chars(40)

    @admin.display(description="version")
    def version(self, lora: Lora) -> int:
        """Return the newest version's number."""
        return lora.newest_first[0].number

    @admin.display(description="rank")
    def rank(self, lora: Lora) -> int:
        """Return the newest version's rank."""
        return lora.newest_first[0].rank

    @admin.display(description="size")
    def size(self, lora: Lora) -> str:
        """Return the newest file's size."""
        return filesizeformat(lora.newest_first[0].size_bytes)
