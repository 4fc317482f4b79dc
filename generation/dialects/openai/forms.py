"""What does a form of OpenAI's clients say? Multipart knows texts and files alone; the fields know what they mean.

openai-python writes `refiner={"start": 0.8}` as `refiner[start]`, `tags=["a"]` as `tags[]`, and a list of objects as
columns: `loras[][id]` for each, then `loras[][weight]` for each. An object without a weight would shift the others', so
columns of unequal length are refused. `loras[0][id]` and a JSON text are understood too.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework import serializers

from wire.errors import ApiError
from wire.strict_json import FORBIDDEN, parse

NAME = re.compile(r"([^\[\]]{1,100})((?:\[[^\[\]]{0,100}\]){0,4})")
WHOLE = re.compile(r"-?[0-9]{1,20}")
FLAGS = {"true": True, "false": False}
OBJECTS = (serializers.BaseSerializer, serializers.ListField, serializers.DictField)


def said_in(form: Any, fields: serializers.Serializer[Any]) -> Any:
    """Return the form as JSON would say it to these fields; what is JSON already stays as it is. Raises ApiError."""
    if not isinstance(form, MultiValueDict):
        return form
    said: dict[str, Any] = {}
    for name, values in form.lists():
        matched = NAME.fullmatch(name)
        if matched is None:
            raise _refused(name, f"{name[:100]} is no name of a field.")
        _put(said, [matched[1], *re.findall(r"\[([^\]]*)\]", matched[2])], values, matched[1])
    return {name: _typed(name, _lists(name, value), fields.fields.get(name)) for name, value in said.items()}


class _Columns(dict[str, list[Any]]):
    """A list of objects, as forms say it: for each key the values of all of them."""


def _put(into: dict[str, Any], path: list[str], values: list[Any], name: str) -> None:
    """Put these values where the path leads. Raises ApiError when something else is there."""
    key, *rest = path
    if rest and rest != [""]:
        columns = rest[0] == "" and len(rest) == 2
        inner = into.setdefault(key, _Columns() if columns else {})
        if type(inner) is not (_Columns if columns else dict):
            raise _refused(name, f"{name} is said in two ways. Say it once.")
        _put(inner, [rest[1], ""] if columns else rest, values, name)
    elif key in into:
        raise _refused(name, f"{name} is said in two ways. Say it once.")
    else:
        into[key] = values if rest or len(values) > 1 else values[0]


def _lists(name: str, value: Any) -> Any:
    """Return the value with columns and numbered keys as lists. Raises ApiError."""
    if isinstance(value, _Columns):
        if len({len(column) for column in value.values()}) > 1:
            message = f"A form cannot say which entry of {name} lacks a field. Give all entries the same fields, or "
            raise _refused(name, message + f"{name} as one JSON text.")
        return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(name, each) for key, each in value.items()}
    if all(key.isascii() and key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _typed(name: str, value: Any, field: Any) -> Any:
    """Return texts as what the field takes; what does not pass stays a text, which the field refuses."""
    if isinstance(value, list):
        child = getattr(field, "child", None) or field
        return [_typed(f"{name}[{place}]", each, child) for place, each in enumerate(value)]
    if isinstance(value, Mapping):
        inner = getattr(field, "fields", {})
        return {key: _typed(f"{name}.{key}", each, inner.get(key)) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    if FORBIDDEN.search(value):
        raise _refused(name, f"{name} holds a NUL character or half of a surrogate pair; take it out.")
    return _scalar(value, field)


def _scalar(text: str, field: Any) -> Any:
    if isinstance(field, OBJECTS):
        return parse(b'{"it": %b}' % text.encode())["it"] if text[:1] in "[{" else text
    if isinstance(field, serializers.BooleanField):
        return FLAGS.get(text, text)
    if isinstance(field, serializers.IntegerField) and WHOLE.fullmatch(text):
        return int(text)
    return _number(text) if isinstance(field, serializers.FloatField) else text


def _number(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _refused(name: str, message: str) -> ApiError:
    return ApiError(400, "invalid_value", message, param=name[:100])
