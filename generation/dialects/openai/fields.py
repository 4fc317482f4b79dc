"""Which of OpenAI's fields are honoured, and what do they mean in our words? The others are refused by name."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation import orders
from generation.dialects.openai.answers import Said
from generation.engine import spec
from generation.engine.samplers import scheduler_of
from generation.size_orders import SIZE
from jobs.models import Tier
from loras.models import Checkpoint
from tenants.callers import Caller
from wire.fields import OneOf, StrictInteger, StrictText

# What OpenAI documents and we cannot do, with the way out.
UNSUPPORTED = {
    "style": "Say the style in the prompt, or put a LoRA on.",
    "complexity": "Say more or less in the prompt.",
    "frame_count": "Pictures do not move here: ask for png, jpeg or webp.",
    "frame_duration_ms": "Pictures do not move here: ask for png, jpeg or webp.",
    "svg": "Pictures are made of pixels here: ask for png, jpeg or webp.",
    "markup": "Give a mask instead, and say in the prompt what is to be there.",
}
# How many of the checkpoint's usual steps each quality takes, and how the answer calls it.
QUALITIES = {
    "low": (0.5, "low"),
    "medium": (1.0, "medium"),
    "standard": (1.0, "medium"),
    "high": (1.5, "high"),
    "hd": (1.5, "high"),
}
MOST_PARTIAL_IMAGES = 3
# Programs for these models of OpenAI's cannot ask for a form, and read b64_json.
ALWAYS_BASE64 = ("gpt-image", "chatgpt-image")
FORM_HELP = "When absent: url, but b64_json on a stream and for OpenAI's gpt-image models."


@extend_schema_field({"type": "string", "pattern": f"^(auto|{SIZE.pattern})$"})
class AutoSize(orders.SizeField):
    """`WIDTHxHEIGHT`, or `auto` for the size of the picture that is given, else the checkpoint's own."""

    def to_internal_value(self, data: Any) -> Any:
        """Return (width, height), or None for auto."""
        return None if data == "auto" else super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """A JSON true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Return it; BooleanField itself would also take 1, "on" and the like."""
        if not isinstance(data, bool):
            raise serializers.ValidationError(f"{self.field_name} must be true or false.", code="invalid_type")
        return data


class ImagesSerializer(orders.OrderSerializer):
    """The fields of `images.generate`, with ours beside them (the client's `extra_body`)."""

    # Ours, which OpenAI says in other words.
    width = height = checkpoint = output_quality = previews = None  # type: ignore[assignment]

    model = StrictText(max_length=100, required=False, allow_null=True)
    n = StrictInteger(min_value=spec.N[0], max_value=spec.N[1], default=1, allow_null=True)
    size = AutoSize(required=False, allow_null=True)
    response_format = OneOf(["url", "b64_json"], required=False, allow_null=True, help_text=FORM_HELP)
    output_format = OneOf(orders.FORMATS, default="png", allow_null=True)
    output_compression = StrictInteger(min_value=0, max_value=100, required=False, allow_null=True)
    user = StrictText(max_length=200, required=False, allow_null=True, allow_blank=True, help_text="Not stored.")
    safety_identifier = StrictText(max_length=200, required=False, allow_null=True, allow_blank=True)
    quality = OneOf(
        ["auto", *QUALITIES], required=False, allow_null=True,
        help_text="low: half the checkpoint's steps; medium, standard, auto: as many; high, hd: half as many again.",
    )  # fmt: skip
    sampler = StrictText(
        max_length=100, required=False, help_text="AUTOMATIC1111's name of a scheduler and its sigmas: DPM++ 2M Karras."
    )
    # Only the values that change nothing here.
    background = OneOf(["auto", "opaque"], required=False, allow_null=True)
    moderation = OneOf(["auto", "low"], required=False, allow_null=True)
    stream = Flag(required=False, allow_null=True)
    partial_images = StrictInteger(min_value=0, max_value=MOST_PARTIAL_IMAGES, required=False, allow_null=True)

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        """Return the validated values; where null is allowed it means the default, as with OpenAI."""
        nullable = {name for name, field in self.fields.items() if field.allow_null} | set(UNSUPPORTED)
        said = {name: value for name, value in data.items() if value is not None or name not in nullable}
        for name in said.keys() & UNSUPPORTED.keys() - self.fields.keys():
            message = f"{name} is not supported. {UNSUPPORTED[name]}"
            raise serializers.ValidationError({name: [message]}, code="unsupported_parameter")
        return super().to_internal_value(said)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse fields that contradict one another."""
        attrs = super().validate(attrs)
        if "sampler" in attrs:
            attrs |= _scheduler_of(attrs.pop("sampler"), attrs)
        if attrs.get("stream") and attrs.get("response_format") == "url":
            raise _contradiction("response_format", "A stream carries its pictures: leave response_format out.")
        if attrs.get("partial_images") and not attrs.get("stream"):
            raise _contradiction("partial_images", "partial_images come on a stream: add stream: true.")
        if attrs["output_format"] == "png" and attrs.get("output_compression", 100) < 100:
            raise _contradiction("output_compression", "output_compression is for jpeg and webp; a png loses nothing.")
        if QUALITIES.get(attrs.get("quality", ""), (1.0,))[0] != 1 and attrs.keys() & {"steps", "preset"}:
            raise _contradiction("quality", "quality says how many steps to take: leave it out, or steps and preset.")
        return attrs

    def order(self, caller: Caller) -> orders.Order:
        """Return the caller's order in our words. Raises ApiError."""
        asked = {name: value for name, value in self.validated_data.items() if value is not None or name == "seed"}
        checkpoint = orders.find_checkpoint(caller, _model(asked.pop("model", None)), param="model")
        asked |= self.steps_of(checkpoint) | {"checkpoint": checkpoint.pk}
        asked["output_quality"] = max(1, asked.get("output_compression", 90))
        asked["previews"] = asked.get("partial_images", 0)
        asked.setdefault("tier", Tier.INTERACTIVE)  # whoever asks here waits
        return orders.order(caller, asked)

    def steps_of(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Return the steps that the quality means, nothing where it leaves them as they are."""
        share = QUALITIES.get(self.validated_data.get("quality", ""), (1.0,))[0]
        return {} if share == 1 else {"steps": min(max(1, round(share * checkpoint.steps)), spec.STEPS[1])}

    @property
    def said(self) -> Said:
        """Return what the answer repeats of the request."""
        asked = self.validated_data
        return Said(
            quality=QUALITIES.get(asked.get("quality", ""), (1.0, "auto"))[1],
            as_base64=(asked.get("response_format") or _usual_form(asked.get("model"))) == "b64_json",
            is_streamed=asked.get("stream", False),
            safety_identifier=asked.get("safety_identifier") or asked.get("user") or None,
        )


def _scheduler_of(sampler: str, attrs: Mapping[str, Any]) -> dict[str, str]:
    """Return the scheduler and sigmas that a sampler's name means."""
    if attrs.keys() & {"scheduler", "sigmas"}:
        raise _contradiction("sampler", "sampler says both scheduler and sigmas: leave it out, or them.")
    try:
        scheduler, sigmas = scheduler_of(sampler)
    except LookupError as error:
        raise _contradiction("sampler", str(error)) from error
    return {"scheduler": scheduler, "sigmas": sigmas}


def _contradiction(name: str, rule: str) -> serializers.ValidationError:
    return serializers.ValidationError({name: [rule]}, code="invalid_value")


def _model(name: str | None) -> str | None:
    """Return our checkpoint's name; the operator may let OpenAI's model names mean the default one."""
    return None if name in settings.OPENAI_MODEL_ALIASES else name


def _usual_form(model: str | None) -> str:
    """Return in which form pictures come when nobody says, as from OpenAI."""
    return "b64_json" if (model or "").startswith(ALWAYS_BASE64) else "url"
