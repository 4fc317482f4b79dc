"""What does the page ask for when somebody adds a webhook?"""

from django import forms

from webhooks.addresses import MAX_URL_CHARS
from webhooks.events import EVENTS
from wire.errors import ApiError


class EndpointForm(forms.Form):
    """An address, and of what it hears; whether messages may go there, the service says."""

    url = forms.CharField(
        label="Address",
        max_length=MAX_URL_CHARS,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/darkroom", "autocomplete": "off"}),
        help_text="An https: URL of a server on the public internet.",
    )
    description = forms.CharField(label="What it is for", max_length=200, required=False)
    events = forms.MultipleChoiceField(
        label="Hears of",
        choices=[(event, event) for event in EVENTS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: of all, those of later versions too.",
    )

    def refused(self, refusal: ApiError) -> "EndpointForm":
        """Return the form with what the service refused, at its field and in its words."""
        field = refusal.param if refusal.param in self.fields else None
        message = refusal.message.replace("url must", "The address must", 1) if field else refusal.message
        self.add_error(field, message)
        return self
