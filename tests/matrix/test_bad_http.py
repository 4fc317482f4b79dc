"""What is broken before it is a request: bodies that lie, floods, odd paths. Spoken byte by byte to a real server."""

import socket
from urllib.parse import urlsplit

import pytest

from tenants.models import ApiKey
from tests.matrix.routes import POLICIES
from tests.matrix.test_matrix import PARAMETER
from wire.strict_json import MAX_BYTES

KEY = b'{"name": "x", "scopes": ["read"]}'


def speak(server, person, request, *lines, body=b"", more=b"", times=0):
    """Say this and return the status, head and body of the answer, after which the server is to close, and in time."""
    place = urlsplit(server)
    head = [request, b"Host: 127.0.0.1", b"Authorization: Bearer " + person.secret.encode(), *lines]
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        try:
            connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
            for _ in range(times):
                connection.sendall(more)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough, and has said so
        return heard(connection)


def heard(connection):
    said = b""
    try:
        while some := connection.recv(65536):
            said += some
    except ConnectionResetError:
        pass  # it has closed while we still spoke
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


POST = b"POST /api/v1/keys HTTP/1.1"
TYPED = (b"Content-Type: application/json", b"Connection: close")


@pytest.mark.parametrize(
    ("lines", "body", "more"),
    [
        ([b"Content-Length: %d" % (MAX_BYTES + 1)], b" " * (MAX_BYTES + 1), b""),
        ([b"Content-Length: 999999999999"], KEY, b""),  # and nothing more ever comes
        ([b"Content-Length: " + b"9" * 18], b"", b""),
        ([b"Transfer-Encoding: chunked"], b"", b"8000\r\n" + b" " * 0x8000 + b"\r\n"),
    ],
    ids=["a byte too much", "much is promised", "more than a disk holds", "endless chunks"],
)
def test_a_body_beyond_the_limit_is_refused_however_it_comes(server, alice, lines, body, more):
    status, _, body = speak(server, alice, POST, *TYPED, *lines, body=body, more=more, times=40)
    assert (status, b'"code": "request_too_large"' in body) == (413, True)


def test_a_body_longer_than_it_says_is_what_it_says(server, alice):
    status, _, body = speak(server, alice, POST, *TYPED, b"Content-Length: 5", body=KEY)
    assert (status, b'"invalid_json"' in body) == (400, True)


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: -1"],
        [b"Content-Length: x"],
        [b"Content-Length: 5", b"Content-Length: 33"],
        [b"Content-Length: 33", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: gzip, chunked"],
        [b"X: " + b"a" * (1 << 20)],
        [b"X-%d: 1" % number for number in range(20_000)],
        [b"Host: evil.example"],
        [b"Host"],
    ],
    ids=lambda lines: lines[-1][:40].decode(),
)
def test_what_is_no_http_is_refused(server, alice, lines):
    status, *_ = speak(server, alice, POST, *TYPED, *lines, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(KEY), KEY))
    assert status == 400
    assert ApiKey.objects.count() == 1


ODD = [
    b"%00",
    b"%2e%2e%2fx",
    b"../../healthz",
    b"%ff%fe",
    b"%ed%a0%80",
    b"..%5cx",
    b"x" * 3000,
    b"%",
    b"a%0d%0aSet-Cookie:x",
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:20].decode())
def test_an_odd_path_is_missing_and_nothing_worse(server, alice, odd):
    for place in (b"/", b"/api/v1/keys/", b"/api/v1/webhooks/", b"/api/v1/members/", b"/static/", b"/settings/keys/"):
        status, head, _ = speak(server, alice, b"GET " + place + odd + b" HTTP/1.1", b"Connection: close")
        assert status in (302, 400, 404)
        assert b"Set-Cookie:x" not in head


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_harm_nowhere(alice, method):
    for route in POLICIES:
        answer = alice.api.generic(method, "/" + PARAMETER.sub("nonsense", route))
        assert answer.status_code < 500 or route == "readyz", route
        assert not (method == "HEAD" and answer.getvalue()), route


@pytest.mark.parametrize(
    "span",
    ["bytes=-5", "bytes=5-2", "bytes=999999999-", "lines=1", "bytes=" + ",".join(["0-1"] * 1000)],
    ids=str.__len__,
)
def test_a_range_is_passed_over(alice, make_image, span):
    path = f"/api/v1/images/{make_image(alice).pk}/content"
    whole, asked = alice.api.get(path), alice.api.get(path, headers={"Range": span})
    assert asked.status_code == 200
    assert b"".join(asked) == b"".join(whole)
