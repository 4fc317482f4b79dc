"""Who may send a file larger than any other request? An operator, to the page that takes LoRA files."""

import io
import re
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest

from jobs.threads import in_thread
from loras.services import MAX_LORA_BYTES
from wire.errors import OUT_OF_REACH
from wire.strict_json import MAX_BYTES

UPLOAD_PAGE = re.compile(r"/admin/loras/lora/(add|[^/]+/change)/")
FORM_BYTES = 1 << 20  # what stands around the file


async def most_bytes(scope: dict[str, Any]) -> int:
    """Return how large a body this request may have; asked before the body is read, which would fill a stranger's."""
    if not UPLOAD_PAGE.fullmatch(scope["path"]):
        return MAX_BYTES
    return MAX_LORA_BYTES + FORM_BYTES if await in_thread(_is_operator)(scope) else MAX_BYTES


def _is_operator(scope: dict[str, Any]) -> bool:
    """Return whether the request comes with an operator's session."""
    request: Any = ASGIRequest(scope, io.BytesIO())
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    try:
        return bool(getattr(get_user(request), "is_staff", False))
    except OUT_OF_REACH:  # the page says so itself
        return False
