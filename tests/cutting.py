"""How do tests lose a connection? Through a small proxy before the server, which ends it where a test says."""

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import pytest

AT_ONCE_RESET = struct.pack("ii", 1, 0)  # to linger for no second: closing sends RST instead of FIN
SOME_BYTES = 40
MEETING_SECONDS = 30
END_OF_HEAD = b"\r\n\r\n"


class Where(StrEnum):
    """At which point a connection ends."""

    BEFORE_REQUEST = "before the request arrives"
    AFTER_REQUEST = "as soon as the request was sent on"
    BEFORE_ANSWER = "before the first byte of the answer"
    IN_HEAD = "in the head of the answer"
    IN_BODY = "in the body of the answer"


@dataclass(frozen=True)
class Cut:
    """One connection's end: where, whether with RST, and whether with others', when all of them have come that far."""

    where: Where
    is_reset: bool = False
    meeting: threading.Barrier | None = None

    def __str__(self) -> str:
        return f"{self.where}{', reset' if self.is_reset else ''}"


class Cutter:
    """Carries each connection to the server; the next ones end as `cuts` says, one each."""

    def __init__(self, server: str) -> None:
        self.server = urlsplit(server)
        self.cuts = deque[Cut]()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def close(self) -> None:
        """Take no more connections, and wait until the clients have closed theirs."""
        self.listening.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                client = self.listening.accept()[0]
                cut = self.cuts.popleft() if self.cuts else None
                self.threads.append(threading.Thread(target=self._carry, args=(client, cut)))
                self.threads[-1].start()

    def _carry(self, client: socket.socket, cut: Cut | None) -> None:
        with client, socket.create_connection((self.server.hostname, self.server.port)) as server:
            if cut is None:
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()
                return
            _carry_until(client, server, cut)
            if cut.is_reset:
                for each in (client, server):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_RESET)


def _carry_until(client: socket.socket, server: socket.socket, cut: Cut) -> None:
    request, where = _read_request(client), cut.where
    if where != Where.BEFORE_REQUEST:
        server.sendall(request)
    if where in (Where.BEFORE_REQUEST, Where.AFTER_REQUEST):
        return
    head, body = _read_head(server)
    if cut.meeting:
        cut.meeting.wait(MEETING_SECONDS)
    if where == Where.IN_HEAD:
        client.sendall(head[:SOME_BYTES])
    elif where == Where.IN_BODY:
        client.sendall(head + (body or server.recv(1))[:SOME_BYTES])


def _read_request(client: socket.socket) -> bytes:
    """Return a whole request."""
    head, body = _read_head(client)
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += _some_of(client)
    return head + body


def _read_head(source: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of a request or an answer, and what came with it of the body."""
    read = b""
    while END_OF_HEAD not in read:
        read += _some_of(source)
    end = read.index(END_OF_HEAD) + len(END_OF_HEAD)
    return read[:end], read[end:]


def _some_of(source: socket.socket) -> bytes:
    """Return what comes next. Raises ConnectionError when nothing will."""
    if chunk := source.recv(65536):
        return chunk
    raise ConnectionError("it was closed before a test cut it")


def _pump(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side has gone
        while chunk := source.recv(65536):
            to.sendall(chunk)
        to.shutdown(socket.SHUT_WR)


@pytest.fixture
def cutters(server: str) -> Iterator[list[Cutter]]:
    """Five proxies before the server that cut connections, one for each of five clients."""
    proxies = [Cutter(server) for _ in range(5)]
    yield proxies
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def cutter(cutters: list[Cutter]) -> Cutter:
    """The proxy of one client."""
    return cutters[0]
