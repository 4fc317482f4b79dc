"""What does a form of OpenAI's clients say? Its names have brackets where JSON nests.

openai-python writes `refiner={"start": 0.8}` as `refiner[start]`, `image=[file]` as `image[]`, and a list of objects as
columns: `loras[][id]` for each of them, then `loras[][weight]` for each. One without a weight would shift the others',
so columns of unequal length are refused. Others number their objects: `loras[0][id]`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.datastructures import MultiValueDict
from rest_framework.fields import Field

from wire.errors import ApiError
from wire.multipart import said_by

NAME = re.compile(r"(\w{1,50})((?:\[\w{0,50}\]){1,3})")

Fields = Mapping[str, Field[Any, Any, Any, Any]]
Form = MultiValueDict[str, Any]
# What stands in the brackets, and the values under that name.
Parts = dict[tuple[str, ...], list[Any]]


def said_in(form: Any, fields: Fields) -> Any:
    """Return what the form's parts say, as the JSON object that would say the same; JSON stays as it is. Raises
    ApiError."""
    if not isinstance(form, MultiValueDict):
        return form
    plain, nested = _sorted(form)
    said = said_by(plain, fields)
    for name, parts in nested.items():
        if name in said:
            raise ApiError(400, "duplicate_parameter", f"{name} appears in two forms. Keep one.", param=name)
        said[name] = _nested(name, parts, fields.get(name))
    return said


def _sorted(form: Form) -> tuple[Form, dict[str, Parts]]:
    """Return the parts with plain names, and for each other field those with brackets behind its name."""
    plain, nested = MultiValueDict[str, Any](), dict[str, Parts]()
    for name, values in form.lists():
        if match := NAME.fullmatch(name):
            nested.setdefault(match[1], {})[tuple(re.findall(r"\[(\w*)\]", match[2]))] = values
        else:
            plain.setlist(name, values)
    return plain, nested


def _nested(name: str, parts: Parts, field: Any) -> Any:
    """Return the list or the object that these parts say."""
    fields: Fields = getattr(getattr(field, "child", field), "fields", {})
    if list(parts) == [("",)]:
        return parts[("",)]
    if all(len(path) == 1 for path in parts):
        return said_by(MultiValueDict({key: values for (key,), values in parts.items()}), fields)
    if any(len(path) != 2 for path in parts):
        raise _unreadable(name)
    rows = _columns(name, parts) if any(place == "" for place, _ in parts) else _numbered(name, parts)
    return [said_by(row, fields) for row in rows]


def _columns(name: str, parts: Parts) -> Iterator[Form]:
    if len({(place, len(values)) for (place, _), values in parts.items()}) != 1:
        message = f"A form cannot say which entry of {name} lacks a field. Give all entries the same fields, or "
        raise ApiError(400, "invalid_value", f"{message}{name} as one JSON text.", param=name)
    keys = [key for _, key in parts]
    for row in zip(*parts.values(), strict=True):
        yield MultiValueDict({key: [value] for key, value in zip(keys, row, strict=True)})


def _numbered(name: str, parts: Parts) -> Iterator[Form]:
    if not all(place.isascii() and place.isdigit() for place, _ in parts):
        raise _unreadable(name)
    for number in sorted({int(place) for place, _ in parts}):
        yield MultiValueDict({key: values for (place, key), values in parts.items() if int(place) == number})


def _unreadable(name: str) -> ApiError:
    message = f"{name} is not written so that it can be read. Give {name} as one JSON text."
    return ApiError(400, "invalid_value", message, param=name)
