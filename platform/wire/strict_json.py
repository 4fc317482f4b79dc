"""What counts as JSON here? UTF-8, at most 1 MiB and 32 levels, no name twice, no NaN, no text a database refuses.

The files in it, as data: URLs, do not count: what bounds them is the body's limit (darkroom/uploads.py).
"""

import json
import math
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from wire.errors import ApiError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
# Whole strings first, so that brackets inside them are never counted.
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
# A file in a string, as a data: URL: none of it is escaped. A quote behind a backslash would begin no string.
INLINE_FILE = re.compile(rb'(?<!\\)"(data:[!#-\[\]-~]{4096,})"')
# NUL breaks PostgreSQL's text and jsonb; lone surrogates cannot be written as UTF-8.
FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """Parses a request's JSON object and refuses what other parsers silently repair."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body's object. Raises ApiError with the field's name."""
        charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", media_type or "")
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            raise ApiError(415, "unsupported_charset", f"Send the body as UTF-8, not {charset[1][:40]}.")
        return parse(stream.read())


def parse(body: bytes) -> dict[str, Any]:
    """Return the object that these bytes say; an empty body says an empty object."""
    body, files = (body, {}) if len(body) <= MAX_BYTES else _without_files(body)
    if len(body) > MAX_BYTES:
        message = f"A JSON body has at most {MAX_BYTES} bytes beside the data: URLs in it."
        raise ApiError(413, "request_too_large", message)
    text = _decoded(body)
    if not text.strip():
        return {}
    parsed = value_of(text)
    if not isinstance(parsed, dict):
        raise ApiError(400, "invalid_json_type", "The body must be a JSON object: {...}.")
    return {name: _with_files(value, files) for name, value in parsed.items()} if files else parsed


def value_of(text: str) -> Any:
    """Return what this JSON says. Raises ApiError."""
    _check_depth(text)
    value = _loaded(text)
    for name, inner in value.items() if isinstance(value, dict) else [("", value)]:
        _check_values(name, inner)
    return value


def _without_files(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the body with a mark for each file in it, and the files by their marks, which nobody can guess."""
    files: dict[str, str] = {}

    def marked(match: re.Match[bytes]) -> bytes:
        mark = secrets.token_hex(16)
        files[mark] = match[1].decode("ascii")
        return f'"{mark}"'.encode()

    return INLINE_FILE.sub(marked, body), files


def _with_files(value: Any, files: dict[str, str]) -> Any:
    """Return the value with its files back in their places; depth is bounded already."""
    if isinstance(value, str):
        return files.get(value, value)
    if isinstance(value, list):
        return [_with_files(inner, files) for inner in value]
    if isinstance(value, dict):
        return {name: _with_files(inner, files) for name, inner in value.items()}
    return value


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ApiError(400, "invalid_encoding", f"The body is not UTF-8 at byte {error.start}.") from None


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    depth = 0
    for token in TOKENS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise ApiError(400, "json_too_deep", f"JSON may nest {MAX_DEPTH} levels deep at most.")


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ApiError(400, "invalid_json", f"The body is not JSON: {error.msg} at {place}.") from None
    except ValueError:  # a number of more than 4,300 digits
        raise ApiError(400, "invalid_json", "The body holds a number that is too long.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, value in pairs:
        if name in seen:
            raise ApiError(400, "duplicate_parameter", f"{shown(name)} appears twice.", param=shown(name))
        seen[name] = value
    return seen


def _check_values(name: str, value: Any) -> None:
    for leaf in _leaves({name: value}):
        if isinstance(leaf, str) and FORBIDDEN.search(leaf):
            message = f"{shown(name)} holds a NUL character or half of a surrogate pair; take it out."
            raise ApiError(400, "invalid_characters", message, param=shown(name))
        if isinstance(leaf, float) and not math.isfinite(leaf):
            message = f"{shown(name)} must be a finite number."
            raise ApiError(400, "invalid_number", message, param=shown(name))


def _leaves(value: Any) -> Iterator[Any]:
    """Yield every name and scalar inside; depth is bounded already."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def shown(name: str) -> str:
    """Return a caller's field name short and printable enough to be repeated to them."""
    return FORBIDDEN.sub("?", name[:100])
