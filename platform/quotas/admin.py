"""What may an operator do with plans? Make and change them, and give tenants one, or limits of their own."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.db.models import Field, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline
from unfold.widgets import UnfoldAdminSelectWidget

from quotas.changes import By, granted, make_default, record_allowance, record_plan
from quotas.models import Allowance, Plan
from tenants.admin import TenantAdmin
from tenants.models import Tenant

LIMITS: list[tuple[str, dict[str, Any]]] = [
    (
        "In a day or a month of the tenant's time zone",
        {
            "fields": [
                ("images_per_day", "images_per_month"),
                ("gpu_seconds_per_day", "gpu_seconds_per_month"),
                "training_minutes_per_month",
            ]
        },
    ),
    ("At a time", {"fields": [("running_jobs", "queued_jobs"), "requests_per_minute", "weight"]}),
    ("Kept", {"fields": [("storage_bytes", "loras")]}),
    ("Of one request", {"fields": [("max_pixels", "max_steps"), "max_n"]}),
]


PLAN_HELP = (
    "An empty limit is none; 0 lets nothing through. Tenants without a plan of their own have the default one: "
    "choose it in the list of plans and run the action “Use by default”."
)
ALLOWANCE_HELP = "An empty limit is the plan's; 0 lets nothing through."


class LimitsForm(forms.ModelForm):
    """Limits, with their units."""

    class Meta:
        help_texts = {
            "storage_bytes": f"In bytes: {2**30} are 1 GB.",
            "max_pixels": f"Width times height: {1024 * 1024} are 1024x1024.",
            "weight": "Its share of the GPU beside others', above 0; 1 when nothing says it.",
        }

    def clean_weight(self) -> float | None:
        """Refuse a share of nothing: whoever asks is served some time."""
        weight: float | None = self.cleaned_data["weight"]
        if weight is not None and weight <= 0:
            raise forms.ValidationError("It must be above 0. To refuse all work, set “waiting jobs” to 0.")
        return weight


def by(request: HttpRequest) -> By:
    """Return who is at the console."""
    return By(f"operator {request.user}", request.META.get("REMOTE_ADDR", ""))


@admin.register(Plan)
class PlanAdmin(ModelAdmin):
    """The plans. An empty limit is none."""

    form = LimitsForm
    list_display = ["name", "is_default", "images_per_day", "gpu_seconds_per_day", "running_jobs", "weight"]
    search_fields = ["name"]
    readonly_fields = ["is_default"]
    fieldsets = [(None, {"fields": ["name", "is_default"], "description": PLAN_HELP}), *LIMITS]
    actions = ["use_by_default"]

    @admin.action(description="Use by default")
    def use_by_default(self, request: HttpRequest, plans: QuerySet[Plan]) -> None:
        """Let tenants without a plan of their own have this one."""
        if len(plans) != 1:
            messages.error(request, "Choose one plan.")
            return
        make_default(plans[0], by(request))

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """Store the plan, and write down what has changed."""
        super().save_model(request, obj, form, change)
        record_plan(obj, form.changed_data, form.initial if change else {}, by(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let a plan go from its own page, unless it is the default one."""
        return obj is not None and not obj.is_default and super().has_delete_permission(request, obj)


@admin.register(Allowance)
class AllowanceAdmin(ModelAdmin):
    """Which plan a tenant has, and what it is granted instead. An empty limit is the plan's."""

    list_display = ["tenant", "plan", "images_per_day", "gpu_seconds_per_day", "running_jobs", "weight"]
    list_filter = ["plan"]
    list_select_related = ["tenant", "plan"]
    search_fields = ["tenant__name", "tenant__id"]
    autocomplete_fields = ["tenant", "plan"]
    form = LimitsForm
    fieldsets = [(None, {"fields": ["tenant", "plan"], "description": ALLOWANCE_HELP}), *LIMITS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Let an allowance stay the tenant's whose it is."""
        return [] if obj is None else ["tenant"]

    def save_model(self, request: HttpRequest, obj: Allowance, form: Any, change: bool) -> None:
        """Store the allowance, and write down what has changed."""
        before = granted(_known(obj.tenant))
        super().save_model(request, obj, form, change)
        record_allowance(obj.tenant, before, granted(obj), by(request))

    def delete_model(self, request: HttpRequest, obj: Allowance) -> None:
        """Leave the tenant to the default plan, and write it down."""
        record_allowance(obj.tenant, granted(obj), {}, by(request))
        super().delete_model(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let an allowance go from its own page, where it is written down."""
        return obj is not None and super().has_delete_permission(request, obj)


class AllowanceFormSet(forms.models.BaseInlineFormSet):
    """A tenant's one allowance; its fields need a name, which a relation without a way back does not give."""

    @classmethod
    def get_default_prefix(cls) -> str:
        """Return how its fields' names begin."""
        return "allowance"


class AllowanceInline(StackedInline):
    """A tenant's plan and limits, on its own page."""

    model = Allowance
    formset = AllowanceFormSet
    extra = 1
    can_delete = False
    autocomplete_fields = ["plan"]
    form = LimitsForm
    fieldsets = [(None, {"fields": ["plan"], "description": ALLOWANCE_HELP}), *LIMITS]


admin.site.unregister(Tenant)


@admin.register(Tenant)
class TenantWithPlanAdmin(TenantAdmin):
    """The tenants, with their plans."""

    list_display = [*TenantAdmin.list_display, "plan"]
    inlines = [*TenantAdmin.inlines, AllowanceInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """Return the tenants with their plans' names."""
        plans = Allowance.objects.filter(tenant=OuterRef("pk")).values("plan__name")
        return super().get_queryset(request).annotate(plan_name=Subquery(plans[:1]))

    @admin.display(description="plan", empty_value="by default", ordering="plan_name")
    def plan(self, tenant: Any) -> str | None:
        """Return the name of the tenant's plan."""
        name: str | None = tenant.plan_name
        return name

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the time zones that there are."""
        if db_field.name == "time_zone":
            zones = [(zone, zone) for zone in sorted(available_timezones())]
            return forms.ChoiceField(choices=zones, widget=UnfoldAdminSelectWidget, help_text=db_field.help_text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store what belongs to the tenant, and write down a change of its plan or limits."""
        before = granted(_known(form.instance))
        super().save_formset(request, form, formset, change)
        if formset.model is Allowance:
            record_allowance(form.instance, before, granted(_known(form.instance)), by(request))


def _known(tenant: Tenant) -> Allowance | None:
    return Allowance.objects.select_related("plan").filter(tenant=tenant).first()
