"""What does the form for a new key ask for?"""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.signing import BadSignature, dumps, loads
from django.utils import timezone

from tenants.api_keys.limits import KINDS, MOST, offered
from tenants.api_keys.serializers import MOST_REQUESTS_PER_MINUTE, NAME_CHARS
from tenants.api_keys.services import KeyTerms, make_key
from tenants.callers import Caller
from tenants.models import ApiKey, Scope
from wire.errors import ApiError
from wire.ids import new_id

WHAT_SCOPES_DO: dict[str, str] = {
    Scope.READ: "Read: look at pictures, jobs and usage",
    Scope.GENERATE: "Generate: ask for pictures, delete them",
    Scope.TRAIN: "Train: make LoRAs",
    Scope.MANAGE: "Manage: members, keys and webhooks",
}
LIFETIMES = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]
LABELS = {"checkpoints": "Only these checkpoints", "loras": "Only these LoRAs"}


SALT = "tenants.api_keys.forms"


class KeyForm(forms.Form):
    """A new key: what it is for, until when, and what it is limited to. One showing of the form makes one key."""

    key_id = forms.CharField(widget=forms.HiddenInput, required=False, initial=lambda: dumps(new_id("key"), salt=SALT))
    name = forms.CharField(
        label="Name", max_length=NAME_CHARS, widget=forms.TextInput(attrs={"placeholder": "What program is it for?"})
    )
    lifetime = forms.ChoiceField(label="Expires", choices=LIFETIMES, required=False, initial="365")
    requests_per_minute = forms.IntegerField(
        label="Requests a minute", required=False, min_value=1, max_value=MOST_REQUESTS_PER_MINUTE,
        widget=forms.NumberInput(attrs={"placeholder": "the plan's"}),
    )  # fmt: skip

    def __init__(self, caller: Caller, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.caller = caller
        several = forms.CheckboxSelectMultiple
        own = [(scope, text) for scope, text in WHAT_SCOPES_DO.items() if scope in caller.scopes]
        self.fields["scopes"] = forms.MultipleChoiceField(
            label="It may", choices=own, widget=several, initial=[Scope.READ, Scope.GENERATE],
            error_messages={"required": "Tick at least one."},
        )  # fmt: skip
        for kind in KINDS:
            self.fields[kind] = forms.MultipleChoiceField(
                label=LABELS[kind], choices=offered(kind, caller), widget=several, required=False
            )

    def make(self) -> tuple[ApiKey, str] | None:
        """Make the key, and return it with its secret; None where something is wrong, which the form says. Raises
        IntegrityError when this very form has made its key before."""
        if not self.is_valid():
            return None
        said = self.cleaned_data
        limits: dict[str, Any] = {kind: said[kind] or None for kind in KINDS}
        days = int(said["lifetime"] or 0)
        try:
            terms = KeyTerms(
                name=said["name"],
                scopes=said["scopes"],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
                requests_per_minute=said["requests_per_minute"],
                **limits,
            )
            return make_key(self.caller, terms, id=said["key_id"])
        except ApiError as refusal:
            self.add_error(refusal.param if refusal.param in self.fields else None, refusal.message)
            return None

    def clean_key_id(self) -> str:
        """Return the id that the new key will have, given when the form was shown; a program may have seen no form."""
        try:
            return str(loads(self.cleaned_data["key_id"], salt=SALT))
        except BadSignature:
            return new_id("key")

    def clean(self) -> dict[str, Any]:
        """Refuse a list longer than a key may have."""
        said = super().clean() or {}
        for kind in KINDS:
            if len(said.get(kind, [])) > MOST:
                self.add_error(kind, f"Choose {MOST} at most, or none of them for all.")
        return said
