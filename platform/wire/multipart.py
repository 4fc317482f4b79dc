"""What does a form of several parts say? Its files are files, its texts what their fields take."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework import serializers

from wire import strict_json
from wire.errors import ApiError

# Where a part of a nested object goes: `controlnets[0].image`.
NESTED = re.compile(r"(\w{1,50})\[(\d{1,3})\]\.(\w{1,50})")
OF_THE_PAGE = "csrfmiddlewaretoken"  # what a page's form says about itself


def said_by(form: "MultiValueDict[str, Any]", fields: Mapping[str, serializers.Field[Any, Any, Any, Any]]) -> Any:
    """Return what the form's parts say, as the JSON object that would say the same. Raises ApiError.

    A part is text for a field that takes text, and JSON for another: `steps` 20, `loras` [{"id": ...}]. A file goes to
    its own field, or into a nested one by the path that errors name: `controlnets[0].image`.
    """
    said = {name: _value(name, values, fields.get(name)) for name, values in form.lists() if name != OF_THE_PAGE}
    for path in [name for name in said if name not in fields and NESTED.fullmatch(name)]:
        _nest(said, path)
    return said


def _value(name: str, values: list[Any], field: Any) -> Any:
    if strict_json.FORBIDDEN.search(name):
        raise ApiError(400, "invalid_characters", f"The name {strict_json.shown(name)!r} holds a NUL character.")
    shown, takes_many = name[:100], isinstance(field, serializers.ListField)
    if len(values) > 1 and not takes_many:
        raise ApiError(400, "duplicate_parameter", f"{shown} appears twice.", param=shown)
    read = [value if isinstance(value, UploadedFile) else _text(name, value, field) for value in values]
    # A list is said by a part for each entry, or by one part that is a list.
    return read if takes_many and not (len(read) == 1 and isinstance(read[0], list)) else read[0]


def _text(name: str, text: str, field: Any) -> Any:
    """Return the text, or what it says as JSON; what is no JSON is left for its field to refuse."""
    shown = name[:100]
    if strict_json.FORBIDDEN.search(text):
        raise ApiError(400, "invalid_characters", f"{shown} holds a NUL character; take it out.", param=shown)
    if "\ufffd" in text:  # as which Django reads what is not UTF-8
        raise ApiError(400, "invalid_encoding", f"{shown} is not UTF-8.", param=shown)
    if field is None or isinstance(field, serializers.CharField | serializers.ChoiceField):
        return text
    try:
        return strict_json.value_of(text)
    except ApiError as refusal:
        if refusal.code == "invalid_json":
            return text
        raise ApiError(refusal.status, refusal.code, refusal.message, param=refusal.param or name) from None


def _nest(said: dict[str, Any], path: str) -> None:
    """Move the part of this path to where it belongs, if there is such a place."""
    name, place, inner = NESTED.findall(path)[0]
    entries = said.get(name)
    if isinstance(entries, list) and int(place) < len(entries) and isinstance(entries[int(place)], dict):
        if inner in entries[int(place)]:
            raise ApiError(400, "duplicate_parameter", f"{path} appears twice.", param=path)
        entries[int(place)][inner] = said.pop(path)
