"""How is a picture fetched from a stranger's address? From a public server alone, without redirects, within bounds."""

import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpcore2

from generation.intake.addresses import is_public
from generation.intake.decoding import MAX_BYTES
from generation.intake.pinned import Pinned, seconds_until
from wire.errors import ApiError

log = logging.getLogger(__name__)

HTTPS = re.compile(r"https://[!-\[\]-~]{1,4000}", re.IGNORECASE)  # ASCII without spaces and backslashes
PORT = 443
SECONDS = 10.0
HEADERS: dict[bytes | str, bytes | str] = {
    "Accept": "image/png, image/jpeg, image/webp",
    "Accept-Encoding": "identity",
    "User-Agent": "Darkroom",
}
UNREACHABLE = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError)
# Bounds what slow servers hold of ours: threads, and memory for the pictures.
FETCHES = threading.BoundedSemaphore(16)
NAMES = ThreadPoolExecutor(4, thread_name_prefix="names")  # a name server may keep a thread beyond all patience


def resolved(host: str) -> Sequence[str]:
    """Return every address of a host. Raises OSError, UnicodeError for a host that cannot be one."""
    found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Fetcher:
    """Fetches pictures. Tests give it a resolver, a rule, a port and a trust of their own."""

    resolve: Callable[[str], Sequence[str]] = resolved
    is_allowed: Callable[[str], bool] = is_public
    port: int = PORT
    trust: Callable[[], ssl.SSLContext] = httpcore2.default_ssl_context
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
        parts = self._parts(url, param)
        backend = Pinned(self._addresses(parts.hostname or "", param, deadline), deadline)
        try:
            with httpcore2.ConnectionPool(ssl_context=self.trust(), network_backend=backend) as pool:
                return _read(pool, self._target(parts), {"Host": parts.netloc, **HEADERS})
        except (*UNREACHABLE, _Unsuitable) as error:
            log.info("a picture could not be fetched: %s", error)
        message = (
            f"The picture in {param} could not be downloaded: its server must answer 200 without a redirect, within "
            f"{self.seconds:.0f} s and {MAX_BYTES >> 20} MiB. Send the picture itself instead."
        )
        raise ApiError(400, "failed_to_download_image", message, param=param)

    def _parts(self, url: str, param: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna")  # as TLS will spell it, or not at all
            good = host and "@" not in parts.netloc and (parts.port or self.port) == self.port
        except ValueError:
            good = False
        if not good or not HTTPS.fullmatch(url):
            raise _refused(param)
        return parts

    def _addresses(self, host: str, param: str, deadline: float) -> Sequence[str]:
        """Return the addresses to connect to, each of them checked: a name is asked for once."""
        asking = NAMES.submit(self.resolve, host)
        try:
            addresses = asking.result(seconds_until(deadline))
        except (*UNREACHABLE, UnicodeError):  # as for one of ours: nobody learns which names we know
            asking.cancel()  # which nobody waits for any more, and which others would wait behind
            raise _refused(param) from None
        if not addresses or not all(self.is_allowed(address) for address in addresses):
            raise _refused(param)
        return addresses

    def _target(self, parts: SplitResult) -> httpcore2.URL:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return httpcore2.URL(scheme="https", host=parts.hostname or "", port=self.port, target=path)


class _Unsuitable(Exception):
    """The server answered, but not with what we take."""


def _read(pool: httpcore2.ConnectionPool, target: httpcore2.URL, headers: Mapping[bytes | str, bytes | str]) -> bytes:
    with pool.stream("GET", target, headers=headers) as response:
        if response.status != 200:
            raise _Unsuitable(f"status {response.status}")
        content = bytearray()
        for piece in response.iter_stream():
            content += piece
            if len(content) > MAX_BYTES:
                raise _Unsuitable("too large")
    return bytes(content)


def _refused(param: str) -> ApiError:
    message = f"{param} must be an https: URL of a server on the public internet, at port {PORT}, without a password."
    return ApiError(400, "invalid_image_url", message, param=param)
