"""What does a request say, in one digest? What was parsed counts: clients repeat a form with another boundary.

Nothing is copied: a body may have a hundred mebibytes, most of them in a few strings and files.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request

PIECE = 1 << 20


def digest_of(request: Request) -> str:
    """Return the digest of the request's address and body. Raises what reading the body raises."""
    http, hasher = request._request, hashlib.sha256()
    for piece in _pieces([http.path_info, http.META.get("QUERY_STRING", ""), request.data]):
        hasher.update(piece)
    return hasher.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    """Yield what tells this value from every other; depth is bounded already."""
    if isinstance(value, MultiValueDict):
        value = dict(value.lists())
    if isinstance(value, dict):
        yield b"{%d:" % len(value)
        for name in sorted(value):
            yield from _pieces(name)
            yield from _pieces(value[name])
    elif isinstance(value, list):
        yield b"[%d:" % len(value)
        for inner in value:
            yield from _pieces(inner)
    elif isinstance(value, str):
        yield b'"%d:' % len(value)
        for start in range(0, len(value), PIECE):
            yield value[start : start + PIECE].encode("utf-8", "surrogatepass")
    elif isinstance(value, UploadedFile):
        yield b"<" + _digest_of_file(value) + b":"
    else:
        yield json.dumps(value).encode() + b","


def _digest_of_file(file: UploadedFile) -> bytes:
    hasher = hashlib.sha256()
    for chunk in file.chunks(PIECE):
        hasher.update(chunk)
    file.seek(0)  # where its reader will begin
    return hasher.digest()
