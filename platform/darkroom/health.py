"""Is this server alive, and would a picture asked for now be made?"""

from django.core.cache import caches
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from generation import storage
from jobs.services import has_ready_worker
from wire.errors import ApiError

PROBE_SECONDS = 5  # whoever asks without end makes no files without end


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when a picture asked for now would be made, 503 with what is missing otherwise."""
    storage_is = caches["process"].get_or_set("storage", _storage, PROBE_SECONDS)
    checks = {"database_and_worker": _worker(), "storage": storage_is}
    missing = {name: why for name, why in checks.items() if why}
    status = {"status": "not ready", "missing": missing} if missing else {"status": "ready"}
    answer = JsonResponse(status, status=503 if missing else 200)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # not an error of ours: whoever starts us asks often
    return answer


def _worker() -> str:
    """Return what is wrong with database or worker, empty when nothing is."""
    try:
        return "" if has_ready_worker() else "no GPU worker with a loaded checkpoint was seen lately"
    except DatabaseError:
        return "the database is out of reach"


def _storage() -> str:
    """Return what is wrong with the storage, found by writing to it."""
    try:
        storage.probe()
    except ApiError as error:
        return error.message
    return ""
