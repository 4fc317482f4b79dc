"""What if a file store is full or out of reach? The caller gets a sentence, the operator's log the reason."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.module_loading import import_string

from wire.errors import ApiError

log = logging.getLogger(__name__)


@contextmanager
def within_reach(store: str) -> Iterator[None]:
    """Do something with the store that has this name. Raises ApiError when it refuses."""
    try:
        yield
    except tuple(import_string(name) for name in settings.STORAGE_ERRORS) as error:
        log.error("the %s refuses: %s", store, error)
        message = f"The {store} is full or out of reach. Try again later; the operator has the details."
        raise ApiError(503, "storage_unavailable", message, retry_after="30") from error
