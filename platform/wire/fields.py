"""Which values does a field take? Exactly its JSON type, nothing coerced, and every refusal says what would pass."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.datastructures import MultiValueDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from wire.errors import ApiError
from wire.multipart import said_by

RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
END_OF_YEARS = 3000


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses unknown fields by name, and takes the same fields from JSON and from a form's parts."""

    def run_validation(self, data: Any = empty) -> Any:
        """Return the validated values."""
        return super().run_validation(said_by(data, self.fields) if isinstance(data, MultiValueDict) else data)

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        """Return the validated values."""
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"non_field_errors": ["Give a JSON object: {...}."]}, code="invalid_type")
        unknown = [name for name in data if name not in self.fields]
        if unknown:
            message = f"There is no field {unknown[0][:100]!r}. Known: {', '.join(self.fields)}."
            raise serializers.ValidationError({unknown[0][:100]: [message]}, code="unknown_parameter")
        return super().to_internal_value(data)


class _Strict(serializers.Field[Any, Any, Any, Any]):
    """What the strict fields share: messages that start with the field's name."""

    def refusal(self, code: str, rule: str) -> serializers.ValidationError:
        """Return the error to raise."""
        return serializers.ValidationError(f"{self.field_name} {rule}.", code=code)


class StrictList(serializers.ListSerializer):
    """A JSON list of objects, `most` at most; give it to a serializer as `Meta.list_serializer_class`."""

    most: int
    too_many: str

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the validated objects."""
        if not isinstance(data, list):
            raise serializers.ValidationError([f"{self.field_name} must be a list."], code="invalid_type")
        if len(data) > self.most:
            rule = f"{self.field_name} may have {self.most} entries, this has {len(data)}."
            raise serializers.ValidationError([rule], code=self.too_many)
        return super().to_internal_value(data)


class StrictInteger(serializers.IntegerField, _Strict):
    """A JSON integer between two bounds."""

    def to_internal_value(self, data: Any) -> int:
        """Return the integer."""
        if isinstance(data, bool) or not isinstance(data, int):
            raise self.refusal("invalid_type", "must be a whole number")
        low, high = self.min_value, self.max_value
        if low is not None and data < low:
            raise self.refusal("integer_below_min_value", f"must be at least {low}")
        if high is not None and data > high:
            raise self.refusal("integer_above_max_value", f"must be at most {high}")
        return int(data)


class StrictNumber(serializers.FloatField, _Strict):
    """A JSON number between two bounds."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise self.refusal("invalid_type", "must be a number")
        low, high = self.min_value, self.max_value
        if (low is not None and data < low) or (high is not None and data > high):
            raise self.refusal("number_out_of_range", f"must be between {low} and {high}")
        return float(data)


class StrictText(serializers.CharField, _Strict):
    """A JSON string, kept byte for byte."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        """Return the text; CharField itself would turn numbers into text before asking."""
        if data is not empty and data is not None:
            self._check(data)
        return super().run_validation(data)

    def _check(self, data: Any) -> None:
        if not isinstance(data, str):
            raise self.refusal("invalid_type", "must be a string")
        if not self.allow_blank and not data.strip():
            raise self.refusal("empty_string", "must not be empty")
        if self.max_length is not None and len(data) > self.max_length:
            raise self.refusal(
                "string_above_max_length", f"may have {self.max_length} characters, this has {len(data)}"
            )


class LongText(StrictText):
    """A JSON string that may have millions of characters, as a file in it has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # CharField's look in Python at each character for what strict JSON refuses anyway takes seconds.
        self.validators = []


class OneOf(serializers.ChoiceField, _Strict):
    """One of a few strings; a refusal lists them."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        super().__init__(choices=list(choices), **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the choice."""
        if not isinstance(data, str):
            raise self.refusal("invalid_type", "must be a string")
        if data not in self.choices:
            raise self.refusal("invalid_value", f"must be one of: {', '.join(map(str, self.choices))}")
        return str(data)


class SomeOf(_Strict):
    """A JSON list of some of a few strings, each kept once; a refusal lists them."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        self.choices = tuple(choices)
        super().__init__(**kwargs)
        extend_schema_field({"type": "array", "items": {"type": "string", "enum": list(choices)}})(self)

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the choices that were made."""
        if not isinstance(data, list):
            raise self.refusal("invalid_type", "must be a list")
        if any(each not in self.choices for each in data):
            raise self.refusal("invalid_value", f"may hold: {', '.join(self.choices)}")
        return list(dict.fromkeys(data))

    def to_representation(self, value: list[str]) -> list[str]:
        """Return it as it is."""
        return value


@extend_schema_field(OpenApiTypes.DATETIME)
class Instant(_Strict):
    """A moment: an RFC 3339 date and time with its offset from UTC, in a year that leaves room for sums."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the moment in UTC."""
        if not isinstance(data, str):
            raise self.refusal("invalid_type", "must be a string")
        try:
            moment = datetime.fromisoformat(data) if RFC_3339.fullmatch(data) else None
            if moment is not None and moment.year < END_OF_YEARS:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # the 31st of February; the year 1, east of Greenwich
        rule = f"must be a time before the year {END_OF_YEARS} with its offset, for example 2030-01-31T18:30:00Z"
        raise self.refusal("invalid_value", rule)

    def to_representation(self, value: datetime) -> str:
        """Return the moment as it is written here."""
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@extend_schema_field(OpenApiTypes.OBJECT)
class StrictObject(_Strict):
    """A JSON object, taken as it is."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the object."""
        if not isinstance(data, dict):
            raise self.refusal("invalid_type", "must be a JSON object: {...}")
        return data


@extend_schema_field({"type": "array", "items": {}, "minItems": 1})
class StrictValues(_Strict):
    """A JSON list of one value or more, `most` at most, each taken as it is."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the list."""
        if not isinstance(data, list):
            raise self.refusal("invalid_type", "must be a list")
        if not data:
            raise self.refusal("empty_list", "must not be empty")
        if len(data) > self.most:
            raise self.refusal("list_too_long", f"may have {self.most} entries, this has {len(data)}")
        return data


def whole_number(text: str | None, name: str, low: int, high: int) -> int | None:
    """Return a query parameter's integer, None when absent. Raises ApiError outside the bounds."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not low <= int(text) <= high:
        raise ApiError(400, "invalid_value", f"{name} must be a whole number from {low} to {high}.", param=name)
    return int(text)
