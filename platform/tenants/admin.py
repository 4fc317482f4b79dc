"""What may an operator do with tenants? Open and suspend them, add members, issue and revoke keys.

All of it, and each look at it, stands in the audit of the tenant.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.api_keys.services import facts
from tenants.audit import record, record_for
from tenants.models import ApiKey, AuditEvent, Membership, Scope, Tenant, User, every_scope
from tenants.operators import ReadOnly, Watched, operator
from tenants.services import issue, resume_tenant, revoke_key, suspend_tenant


class MembershipInline(TabularInline):
    """A tenant's members."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Tenant)
class TenantAdmin(Watched):
    """The tenants with their members.

    Nobody deletes one here: its rows would go and its files would stay. Suspending is the way to end a tenancy.
    """

    list_display = ["name", "id", "created_at", "suspended_at"]
    search_fields = ["name", "id"]
    readonly_fields = ["id", "created_at", "suspended_at"]
    inlines = [MembershipInline]
    actions = ["suspend", "resume"]

    @admin.action(description="Suspend: refuse every request")
    def suspend(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Refuse these tenants from now on."""
        for tenant in tenants:
            suspend_tenant(tenant, actor=operator(request))

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Serve these tenants again."""
        for tenant in tenants:
            resume_tenant(tenant, actor=operator(request))

    def tenants_of(self, rows: list[Any]) -> set[str | None]:
        """Return the tenants' own ids."""
        return {tenant.pk for tenant in rows}

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """Store a tenant, and write down that an operator did."""
        super().save_model(request, obj, form, change)
        detail = {name: str(form.cleaned_data[name]) for name in form.changed_data}
        if detail or not change:
            action = "tenant.changed" if change else "tenant.opened"
            record(action, tenant=obj, actor=operator(request), subject=obj.pk, detail=detail)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store the members, and write down whom an operator put in, changed and took out."""
        super().save_formset(request, form, formset, change)
        if formset.model is Membership:
            for action, member in _acts(formset):
                detail = {"role": member.role}
                record(action, tenant=form.instance, actor=operator(request), subject=member.user.email, detail=detail)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


def _acts(formset: Any) -> list[tuple[str, Membership]]:
    """Return what a form of members has done."""
    return [
        *(("member.joined", member) for member in formset.new_objects),
        *(("member.role_changed", member) for member, _ in formset.changed_objects),
        *(("member.removed", member) for member in formset.deleted_objects),
    ]


@admin.register(User)
class PeopleAdmin(Watched, UserAdmin, ModelAdmin):
    """The people who sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "is_staff", "is_active", "last_login", "created_at"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email"]
    ordering = ["email"]
    readonly_fields = ["last_login", "created_at"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "password1", "password2"]})]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set somebody's password, and tell the tenants."""
        response = super().user_change_password(request, id, form_url)
        if response.status_code == 302 and (person := self.get_object(request, id)):
            owners = self.tenants_of([person])
            record_for(owners, "account.password_set", actor=operator(request), subject=person.email)
        return response

    def tenants_of(self, rows: list[Any]) -> set[str | None]:
        """Return the ids of the tenants that these people are members of."""
        return set(Membership.objects.filter(user__in=rows).values_list("tenant", flat=True))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store an account, and tell its tenants what an operator changed of it."""
        super().save_model(request, obj, form, change)
        if change and form.changed_data:
            detail = {"fields": form.changed_data}
            owners = self.tenants_of([obj])
            record_for(owners, "account.changed", actor=operator(request), subject=obj.email, detail=detail)


class ApiKeyForm(forms.ModelForm):
    """A key's editable facts."""

    scopes = forms.MultipleChoiceField(
        choices=Scope, widget=UnfoldAdminCheckboxSelectMultipleWidget, initial=every_scope
    )

    class Meta:
        model = ApiKey
        fields = ["tenant", "name", "scopes", "expires_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(Watched):
    """The keys; a new one's secret is shown once, in the message after saving.

    Nobody deletes one: what it was used for would lose its name. Revoking is the way to end it.
    """

    form = ApiKeyForm
    list_display = ["name", "prefix", "tenant", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["tenant"]
    search_fields = ["name", "prefix"]
    list_select_related = ["tenant"]
    readonly_fields = ["prefix", "created_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Issue a new key, and show its secret once; write down what an operator did."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            messages.warning(request, f"Copy this key now, nobody can read it again: {issue(obj)}")
        action = "key.changed" if change else "key.issued"
        record(action, tenant=obj.tenant, actor=operator(request), subject=obj.pk, detail=facts(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    @admin.action(description="Revoke: refuse from now on")
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """Refuse these keys from now on."""
        for key in keys:
            revoke_key(key, actor=operator(request))


@admin.register(AuditEvent)
class AuditEventAdmin(Watched, ReadOnly):
    """What was done, of every tenant and of those without one. Nobody changes it, here or in the database."""

    list_display = ["at", "tenant", "actor", "action", "subject", "address"]
    search_fields = ["actor__exact", "action__exact", "subject__exact", "address__exact"]
    list_select_related = ["tenant"]
    ordering = ["-id"]
    show_full_result_count = False
