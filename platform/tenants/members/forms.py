"""What do the forms of the members page ask for?"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django import forms

from tenants import time_zones
from tenants.callers import Caller
from tenants.members.invitations import invite
from tenants.members.roles import roles_up_to
from tenants.members.services import change_tenant
from tenants.models import Membership, Tenant
from wire.errors import ApiError

Role = Membership.Role
INVITED = "{email} is invited already. Send that invitation again, or withdraw it first."


class InviteForm(forms.Form):
    """Who is invited, and as what."""

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "name@example.com"}),
    )
    role = forms.ChoiceField(label="Role", initial=Role.MEMBER)

    def __init__(self, power: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = choices_up_to(power)  # type: ignore[attr-defined]

    def is_sent(self, caller: Caller) -> bool:
        """Invite, and return whether that worked; what was refused, the form says."""
        if not self.is_valid():
            return False
        said = self.cleaned_data
        words = {"already_invited": INVITED.format(**said)}  # a program is told the invitation's id
        return _is_done(self, lambda: invite(caller, said["email"], said["role"]), words)


class TenantForm(forms.Form):
    """What a tenant is called, and where its days begin."""

    name = forms.CharField(label="Name", max_length=100)
    time_zone = forms.ChoiceField(label="Time zone", help_text="In which its days and months begin, for limits.")

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"name": tenant.name, "time_zone": tenant.time_zone}} | kwargs)
        kept = [] if tenant.time_zone in time_zones.offered() else [tenant.time_zone]
        zones = [(name, name.replace("_", " ")) for name in [*kept, *time_zones.offered()]]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """Return the name on one line."""
        return " ".join(self.cleaned_data["name"].split())

    def is_kept(self, caller: Caller) -> bool:
        """Change the tenant, and return whether that worked; what was refused, the form says."""
        return self.is_valid() and _is_done(self, lambda: change_tenant(caller, **self.cleaned_data))


def _is_done(form: forms.Form, act: Callable[[], object], words: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Do it, and return whether that worked; what was refused, the form says, by its code in these words."""
    try:
        act()
    except ApiError as refusal:
        message = words.get(refusal.code, refusal.message)
        form.add_error(refusal.param if refusal.param in form.fields else None, message)
        return False
    return True


def choices_up_to(power: str) -> list[tuple[str, str]]:
    """Return the roles that somebody with this power may give, for a list to choose from."""
    return [(role, str(Role(role).label)) for role in roles_up_to(power)]
