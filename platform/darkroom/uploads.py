"""Who may send more than any other request? An operator, to the page for LoRA files, and whoever may generate, to the
routes that take pictures, the Create page among them."""

import io
import re
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest

from generation.intake.decoding import MAX_BYTES as MAX_PICTURE_BYTES
from jobs.threads import in_thread
from loras.services import MAX_LORA_BYTES
from tenants.callers import caller_of
from tenants.models import Scope
from wire.errors import REFUSALS
from wire.strict_json import MAX_BYTES

UPLOAD_PAGE = re.compile(r"/admin/loras/lora/(add|[^/]+/change)/")
FORM_BYTES = 1 << 20  # what stands around the file
PICTURE_ROUTE = re.compile(
    r"/((api/v1/(uploads|generations|quotes|batches|sweeps)|v1/images/(generations|edits|variations))/*"
    r"|loras|start|controls|settings)?"
)
PICTURES_BYTES = 4 * MAX_PICTURE_BYTES * 4 // 3 + FORM_BYTES  # four of them, in base64


async def most_bytes(scope: dict[str, Any]) -> int:
    """Return how large a body this request may have; asked before the body is read, which would fill a stranger's."""
    if scope["method"] != "POST" or is_small(scope):
        return MAX_BYTES
    if UPLOAD_PAGE.fullmatch(scope["path"]):
        return MAX_LORA_BYTES + FORM_BYTES if await in_thread(_is_operator)(scope) else MAX_BYTES
    if PICTURE_ROUTE.fullmatch(scope["path"]):
        return PICTURES_BYTES if await in_thread(_may_generate)(scope) else MAX_BYTES
    return MAX_BYTES


def is_small(scope: dict[str, Any]) -> bool:
    """Return whether the request says that its body is within every request's limit."""
    said = said_bytes(scope)
    return said is not None and said <= MAX_BYTES


def said_bytes(scope: dict[str, Any]) -> int | None:
    """Return how long the request says that its body is; None for one that does not, or says what is no length."""
    said = dict(scope["headers"]).get(b"content-length", b"")
    return int(said) if said.isdigit() and len(said) < 20 else None


def _is_operator(scope: dict[str, Any]) -> bool:
    """Return whether the request comes with an operator's session."""
    try:
        return bool(getattr(_request(scope).user, "is_staff", False))
    except REFUSALS:  # the page says so itself
        return False


def _may_generate(scope: dict[str, Any]) -> bool:
    """Return whether the request comes with a good key, or a member's session, that may ask for pictures."""
    try:
        caller_of(_request(scope)).require(Scope.GENERATE)
    except REFUSALS:
        return False
    return True


def _request(scope: dict[str, Any]) -> Any:
    """Return the request without its body, with the user of its session."""
    request: Any = ASGIRequest(scope, io.BytesIO())
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    request.user = get_user(request)
    return request
