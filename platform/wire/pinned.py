"""How does a connection reach the very addresses that were checked, and end in time whatever the server does?"""

import ssl
import time
from collections.abc import Iterable, Sequence
from typing import Any

from httpcore2 import ConnectError, ConnectTimeout, NetworkBackend, NetworkStream, ReadTimeout, SyncBackend

ADDRESS_SECONDS = 3.0  # for one of several addresses, so that another has its turn


class Pinned(NetworkBackend):
    """Connects to one of these addresses, whatever the host's name means by then; TLS still asks for the host."""

    def __init__(self, addresses: Sequence[str], deadline: float) -> None:
        self.addresses, self.deadline, self.backend = addresses, deadline, SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Return a stream to the first address that answers. Raises ConnectError or ConnectTimeout."""
        refusal: Exception = ConnectError("no address")
        for address in self.addresses:
            patience = min(ADDRESS_SECONDS, seconds_until(self.deadline))
            try:
                return Timed(self.backend.connect_tcp(address, port, patience, None, socket_options), self.deadline)
            except (ConnectError, ConnectTimeout) as error:
                refusal = error
        raise refusal


class Timed(NetworkStream):
    """A stream whose every move ends by one deadline: a byte now and then does not keep it open."""

    def __init__(self, stream: NetworkStream, deadline: float) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come. Raises ReadTimeout."""
        return self.stream.read(max_bytes, seconds_until(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send this."""
        self.stream.write(buffer, seconds_until(self.deadline))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """Return the stream under TLS, its certificate checked for this host."""
        return Timed(self.stream.start_tls(ssl_context, server_hostname, seconds_until(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream knows of itself."""
        return self.stream.get_extra_info(info)

    def close(self) -> None:
        """Hang up."""
        self.stream.close()


def seconds_until(deadline: float) -> float:
    """Return how long there is. Raises ReadTimeout afterwards."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise ReadTimeout("out of time")
    return left
