"""Where may a message go? To https: URLs of public servers, and to what the operator names in WEBHOOK_HOSTS."""

import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from wire.errors import ApiError
from wire.guard import HTTPS_PORT, Forbidden, Guard, trusted

MAX_URL_CHARS = 2000
LOOK_UP_SECONDS = 5.0
# The sender's own: receivers with slow name servers hold up no request for a picture.
NAMES = ThreadPoolExecutor(32, thread_name_prefix="webhook-names")


def guard() -> Guard:
    """Return who looks whether we may send there."""
    return Guard(trust=trusted, names=NAMES, named=frozenset(settings.WEBHOOK_HOSTS))


def check_text(url: str, param: str) -> None:
    """Refuse an address that its text alone gives away; its server is looked up when there is something to send.

    Raises ApiError.
    """
    if len(url) > MAX_URL_CHARS:
        raise _refused(param)
    if "#" in url:
        raise _misspelt(f"{param} must have no # in it: no server ever hears what stands behind one.", param)
    if not url.isascii():
        rule = "its host as xn--…, as name servers know it, and anything else percent-encoded"
        raise _misspelt(f"{param} must be spelled in ASCII: {rule}.", param)
    try:
        guard().place(url)
    except Forbidden:
        raise _refused(param) from None


def check_server(url: str, param: str) -> None:
    """Refuse an address whose server is none of the public internet, or is not to be found. Asks a name server.

    Raises ApiError.
    """
    check_text(url, param)
    who = guard()
    place = who.place(url)
    if place.is_named:  # for which the operator vouches, and which may come up later
        return
    try:
        who.addresses(place, time.monotonic() + LOOK_UP_SECONDS)
    except Forbidden:
        raise _refused(param) from None


def _refused(param: str) -> ApiError:
    message = (
        f"{param} must be an https: URL of a server on the public internet, at port {HTTPS_PORT}, without a password, "
        f"of {MAX_URL_CHARS} characters at most. The operator of this server may name others in DARKROOM_WEBHOOK_HOSTS."
    )
    return _misspelt(message, param)


def _misspelt(message: str, param: str) -> ApiError:
    return ApiError(400, "invalid_webhook_url", message, param=param)
