"""Whom do we ask on a stranger's behalf? Servers of the public internet, at the very addresses that were checked."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import httpcore2

from wire.addresses import is_public
from wire.pinned import Pinned, seconds_until

URL = re.compile(r"https?://[!-\[\]-~]{1,4000}", re.IGNORECASE)  # ASCII without spaces and backslashes
HTTPS_PORT, HTTP_PORT = 443, 80
UNREACHABLE = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError)
NAMES = ThreadPoolExecutor(4, thread_name_prefix="names")  # a name server may keep a thread beyond all patience

Headers = Mapping[bytes | str, bytes | str]


class Forbidden(Exception):
    """We do not ask there. Why stays with us: nobody learns what our networks hold."""


@dataclass(frozen=True)
class Place:
    """Where a URL leads, by its text alone."""

    scheme: str
    host: str
    port: int
    netloc: str
    path: str
    is_named: bool


def resolved(host: str) -> Sequence[str]:
    """Return every address of a host. Raises OSError, UnicodeError for a host that cannot be one."""
    return _addresses_of(socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM))


@cache
def trusted() -> ssl.SSLContext:
    """Return what vouches for servers, read once: each time would take longer than a request."""
    return httpcore2.default_ssl_context()


@dataclass(frozen=True)
class Guard:
    """Finds servers and asks them. Tests give it a resolver, a rule, a port and a trust of their own."""

    resolve: Callable[[str], Sequence[str]] = resolved
    is_allowed: Callable[[str], bool] = is_public
    port: int = HTTPS_PORT
    trust: Callable[[], ssl.SSLContext] = trusted
    names: ThreadPoolExecutor = NAMES
    # What the operator vouches for, as host or host:port: asked wherever it is, and without TLS too.
    named: frozenset[str] = frozenset()

    def place(self, url: str) -> Place:
        """Return where a URL leads. Raises Forbidden for one that its text alone gives away."""
        try:
            parts = urlsplit(url)
            scheme, host = parts.scheme.lower(), parts.hostname or ""
            usual_port = self.port if scheme == "https" else HTTP_PORT
            port = usual_port if parts.port is None else parts.port
            known = host.encode("idna")  # as TLS will spell it, or not at all
        except ValueError:
            raise Forbidden("no address") from None
        if not known or "@" in parts.netloc or not URL.fullmatch(url):
            raise Forbidden("no address")
        usual = (scheme, port) in (("https", HTTPS_PORT), ("http", HTTP_PORT))
        is_named = f"{host}:{port}" in self.named or (usual and host in self.named)
        if not is_named and (scheme, port) != ("https", self.port):
            raise Forbidden("not https, or another port")
        if not is_named and any(not self.is_allowed(address) for address in _spelled_out(host)):
            raise Forbidden("not public")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Place(scheme, host, port, parts.netloc, path, is_named)

    def addresses(self, place: Place, deadline: float) -> Sequence[str]:
        """Return the addresses to connect to, each of them checked: a name is asked for once. Raises Forbidden."""
        asking = self.names.submit(self.resolve, place.host)
        try:
            addresses = asking.result(seconds_until(deadline))
        except (*UNREACHABLE, UnicodeError):  # as for one of ours: nobody learns which names we know
            asking.cancel()  # which nobody waits for any more, and which others would wait behind
            raise Forbidden("no such name") from None
        if not addresses or not (place.is_named or all(self.is_allowed(address) for address in addresses)):
            raise Forbidden("not public")
        return addresses

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Headers, content: bytes | None = None, *, deadline: float
    ) -> Iterator[httpcore2.Response]:
        """Ask a server and give its answer while it comes in; a redirect is an answer like any other.

        Raises Forbidden, and one of UNREACHABLE, when the deadline (monotonic seconds) has passed too.
        """
        place = self.place(url)
        backend = Pinned(self.addresses(place, deadline), deadline)
        target = httpcore2.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.path)
        with (
            httpcore2.ConnectionPool(ssl_context=self.trust(), network_backend=backend) as pool,
            pool.stream(method, target, headers={"Host": place.netloc, **headers}, content=content) as response,
        ):
            yield response


def _spelled_out(host: str) -> Sequence[str]:
    """Return the address that the host itself is, however it is spelled; nothing for a name. Asks nobody."""
    if host == "localhost" or host.endswith(".localhost"):
        return ["127.0.0.1"]
    try:
        found = socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return _addresses_of(found)


def _addresses_of(found: Sequence[tuple[object, ...]]) -> Sequence[str]:
    return list(dict.fromkeys(str(address[0]) for *_, address in found))  # type: ignore[index]
