"""What does a program of a tenant hear of its jobs? A receiver of webhooks that counts how often it was told what."""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# As long as an answer takes from far away: so a sender that is killed may well be in the middle of a message.
FAR_AWAY_SECONDS = 0.25
POLL_SECONDS = 0.02


@dataclass
class Inbox:
    """What has come: of each job, how often which message (its webhook-id) said that it had ended how."""

    host: str
    heard: defaultdict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def url(self) -> str:
        """Return where to send to."""
        return f"http://{self.host}/"

    @property
    def copies(self) -> int:
        """Return how many messages came again though they had come before."""
        return sum(count - 1 for told in self.heard.values() for count in told.values())


class Server(ThreadingHTTPServer):
    """A server of this machine with an inbox."""

    daemon_threads = True

    def __init__(self, answer_seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.answer_seconds = answer_seconds
        self.inbox = Inbox(f"127.0.0.1:{self.server_port}")
        self.noting = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    """Takes one message."""

    server: Server

    def do_POST(self) -> None:
        """Note a message that came whole, and say thanks to whoever still listens."""
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return
        job = json.loads(body)["data"]
        with self.server.noting:
            self.server.inbox.heard[job["id"]][self.headers["webhook-id"], job["status"]] += 1
        time.sleep(self.server.answer_seconds)
        with suppress(OSError):
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def receiving(*, answer_seconds: float = FAR_AWAY_SECONDS) -> Iterator[Inbox]:
    """Receive webhooks for a while, and take so long to answer each."""
    with Server(answer_seconds) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_SECONDS})
        thread.start()
        try:
            yield server.inbox
        finally:
            server.shutdown()
            thread.join()
