"""How is a picture fetched from a stranger's address? From a public server alone, without redirects, within bounds."""

import logging
import threading
import time
from dataclasses import dataclass

import httpcore2

from generation.intake.decoding import MAX_BYTES
from wire.errors import ApiError
from wire.guard import HTTPS_PORT, UNREACHABLE, Forbidden, Guard, Headers

log = logging.getLogger(__name__)

SECONDS = 10.0
HEADERS: Headers = {
    "Accept": "image/png, image/jpeg, image/webp",
    "Accept-Encoding": "identity",
    "User-Agent": "Darkroom",
}
# Bounds what slow servers hold of ours: threads, and memory for the pictures.
FETCHES = threading.BoundedSemaphore(16)


@dataclass(frozen=True)
class Fetcher(Guard):
    """Fetches pictures."""

    seconds: float = SECONDS

    def fetch(self, url: str, param: str) -> bytes:
        """Return what is there, of any type. Raises ApiError; why it is refused stays in our log."""
        deadline = time.monotonic() + self.seconds
        if not FETCHES.acquire(blocking=False):
            message = "This server fetches too many pictures at the moment. Try again shortly, or send the picture."
            raise ApiError(503, "engine_overloaded", message, param=param, retry_after="5")
        try:
            return self._fetched(url, param, deadline)
        finally:
            FETCHES.release()

    def _fetched(self, url: str, param: str, deadline: float) -> bytes:
        try:
            with self.ask("GET", url, HEADERS, deadline=deadline) as response:
                return _read(response)
        except Forbidden:
            raise _refused(param) from None
        except (*UNREACHABLE, _Unsuitable) as error:
            log.info("a picture could not be fetched: %s", error)
        message = (
            f"The picture in {param} could not be downloaded: its server must answer 200 without a redirect, within "
            f"{self.seconds:.0f} s and {MAX_BYTES >> 20} MiB. Send the picture itself instead."
        )
        raise ApiError(400, "failed_to_download_image", message, param=param)


class _Unsuitable(Exception):
    """The server answered, but not with what we take."""


def _read(response: httpcore2.Response) -> bytes:
    if response.status != 200:
        raise _Unsuitable(f"status {response.status}")
    content = bytearray()
    for piece in response.iter_stream():
        content += piece
        if len(content) > MAX_BYTES:
            raise _Unsuitable("too large")
    return bytes(content)


def _refused(param: str) -> ApiError:
    message = (
        f"{param} must be an https: URL of a server on the public internet, at port {HTTPS_PORT}, without a password."
    )
    return ApiError(400, "invalid_image_url", message, param=param)
