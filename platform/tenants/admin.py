"""What may an operator do with tenants? Open and suspend them, add members, issue and revoke keys."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.models import ApiKey, Membership, Scope, Tenant, User, every_scope
from tenants.services import issue_key, resume_tenant, revoke_key, suspend_tenant


class MembershipInline(TabularInline):
    """A tenant's members."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Tenant)
class TenantAdmin(ModelAdmin):
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
            suspend_tenant(tenant)

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Serve these tenants again."""
        for tenant in tenants:
            resume_tenant(tenant)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(User)
class PeopleAdmin(UserAdmin, ModelAdmin):
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


class ApiKeyForm(forms.ModelForm):
    """A key's editable facts."""

    scopes = forms.MultipleChoiceField(
        choices=Scope, widget=UnfoldAdminCheckboxSelectMultipleWidget, initial=every_scope
    )

    class Meta:
        model = ApiKey
        fields = ["tenant", "name", "scopes", "expires_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """The keys; a new one's secret is shown once, in the message after saving."""

    form = ApiKeyForm
    list_display = ["name", "prefix", "tenant", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["tenant"]
    search_fields = ["name", "prefix"]
    list_select_related = ["tenant"]
    readonly_fields = ["prefix", "created_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Issue a new key through the same door as everybody, and show its secret once."""
        if change:
            super().save_model(request, obj, form, change)
            return
        key, secret = issue_key(obj.tenant, obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        obj.pk, obj.prefix, obj.digest = key.pk, key.prefix, key.digest
        messages.warning(request, f"Copy this key now, nobody can read it again: {secret}")

    @admin.action(description="Revoke: refuse from now on")
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """Refuse these keys from now on."""
        for key in keys:
            revoke_key(key)
