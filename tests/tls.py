"""Which server do tests fetch pictures from and post messages to? One of ours under TLS, whose name only they know."""

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "pictures.example"
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Post:
    """What somebody sent."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Site:
    """A web server at 127.0.0.1 with a certificate for pictures.example."""

    port: int
    trust: ssl.SSLContext
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    received: list[Post] = field(default_factory=list)

    def serve(self, path: str, content: bytes, status: int = 200, **headers: str) -> str:
        """Answer with this from now on, and return its URL."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        return self.serve_by(path, answer)

    def serve_by(self, path: str, answer: Answer) -> str:
        """Answer in this way from now on, and return the URL."""
        self.answers[path] = answer
        return f"https://{HOST}:{self.port}{path}"


class Server(ThreadingHTTPServer):
    """A server that a hundred may call at once."""

    daemon_threads = True
    request_queue_size = 256


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The site, for the time of one test."""
    certificate = _certificate(tmp_path)
    trust = ssl.create_default_context(cafile=certificate)
    served = Site(0, trust)
    server = Server(("127.0.0.1", 0), _handler(served))
    served.port = server.server_port
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def _handler(site: Site) -> Any:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append((self.headers["Host"], self.path))
            site.answers[self.path](self)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.received.append(Post(self.path, {name.lower(): said for name, said in self.headers.items()}, body))
            site.answers[self.path](self)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    return Handler


def _certificate(folder: Path) -> Path:
    """Write a key and its certificate, which vouches for itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "site.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
