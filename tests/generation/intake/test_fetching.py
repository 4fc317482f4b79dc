"""A picture at an https: URL: fetched from public servers alone, and whatever the server does, answered in time."""

import socket
import time
from dataclasses import replace

import pytest

from generation.intake import open_picture, take_picture
from generation.intake.decoding import MAX_BYTES
from generation.intake.fetching import FETCHES, Fetcher
from generation.models import Upload
from tests.pictures import file_of, picture
from tests.tls import HOST
from wire.errors import ApiError

HERE = "127.0.0.1"


@pytest.fixture
def fetcher(site) -> Fetcher:
    """One that takes 127.0.0.1 for public, and knows one name."""
    return Fetcher(
        resolve={HOST: [HERE]}.__getitem__,
        is_allowed=lambda address: address == HERE,
        port=site.port,
        trust=lambda: site.trust,
        seconds=1.5,
    )


def refusal(fetcher: Fetcher, url: str) -> ApiError:
    with pytest.raises(ApiError) as raised:
        fetcher.fetch(url, "init_image")
    return raised.value


def test_a_picture_is_fetched_whatever_its_type_says(alice, site, fetcher):
    url = site.serve("/kite?size=1", file_of(picture()), **{"Content-Type": "text/html"})
    upload = take_picture(alice.tenant, url, "init_image", fetcher=fetcher)
    assert open_picture(upload).tobytes() == picture().tobytes()
    assert site.asked == [(f"{HOST}:{site.port}", "/kite?size=1")]


def test_what_is_fetched_goes_through_the_same_door(alice, site, fetcher):
    with pytest.raises(ApiError) as refused:
        take_picture(alice.tenant, site.serve("/page", b"<html>"), "init_image", fetcher=fetcher)
    assert (refused.value.code, refused.value.param) == ("unsupported_image_format", "init_image")
    assert not Upload.objects.exists()


INVALID = [
    "https://127.0.0.1/kite.png",
    "https://localhost/kite.png",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://127.1/",
    "https://0/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://10.0.0.1/",
    "https://no-such-host.invalid/",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://éxample.com/",
    "https://",
    "https:///kite.png",
    "https://[::1/",
    "https://" + "a" * 300 + ".example/",
    "https://example.com/" + "a" * 5000,
    "http://example.com/kite.png",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://example.com/kite.png",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("url", INVALID)
def test_an_address_that_is_not_public_is_refused_in_one_text(alice, url):
    with pytest.raises(ApiError) as refused:
        take_picture(alice.tenant, url, "init_image")
    refused, other = refused.value, refusal(Fetcher(), "https://10.0.0.1/")
    assert (refused.status, refused.code, refused.param) == (400, "invalid_image_url", "init_image")
    assert refused.body == other.body


@pytest.mark.parametrize("host", [".example", "a..b", "a" * 64, "a" * 300])
def test_a_name_that_can_be_no_hosts_is_refused_whatever_resolves_it(fetcher, host):
    anything = replace(fetcher, resolve=lambda host: [HERE])
    assert refusal(anything, f"https://{host}:{fetcher.port}/").code == "invalid_image_url"


def test_one_address_of_our_own_among_a_hosts_is_one_too_many(site, fetcher):
    mixed = replace(fetcher, resolve=lambda host: [HERE, "10.0.0.1"])
    assert refusal(mixed, site.serve("/kite", b"")).code == "invalid_image_url"
    assert site.asked == []


def test_a_name_that_flips_is_asked_for_once(site, fetcher):
    answers = iter([[HERE], ["10.0.0.1"]])
    flipping = replace(fetcher, resolve=lambda host: next(answers))
    assert flipping.fetch(site.serve("/kite", b"kite"), "init_image") == b"kite"


def test_a_host_that_does_not_answer_at_one_address_is_asked_at_another(site, fetcher):
    two = replace(fetcher, resolve=lambda host: ["127.0.0.2", HERE], is_allowed=lambda address: True)
    assert two.fetch(site.serve("/kite", b"kite"), "init_image") == b"kite"


def test_a_certificate_for_another_host_is_refused(site, fetcher):
    url = site.serve("/kite", b"kite").replace(HOST, "other.example")
    assert refusal(replace(fetcher, resolve=lambda host: [HERE]), url).code == "failed_to_download_image"
    assert site.asked == []


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500])
def test_any_answer_but_200_is_refused_and_no_redirect_followed(site, fetcher, status):
    inside = site.serve("/inside", b"secret")
    url = site.serve("/kite", b"", status, Location=inside)
    assert refusal(fetcher, url).code == "failed_to_download_image"
    assert [path for _, path in site.asked] == ["/kite"]


def endless(handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(1 << 16))


def trickle(handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b"x")
        time.sleep(0.1)


def trickled_header(handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(1000):
        handler.wfile.write(b"a: b\r\n")
        time.sleep(0.1)


def cut_off(handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x")
    handler.connection.shutdown(socket.SHUT_RDWR)


def nonsense(handler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("answer", [endless, trickle, trickled_header, cut_off, nonsense])
def test_a_server_that_will_not_end_is_left_in_time_in_one_text(site, fetcher, answer):
    started = time.monotonic()
    refused = refusal(fetcher, site.serve_by("/kite", answer))
    assert time.monotonic() - started < fetcher.seconds + 1.5
    other = refusal(fetcher, site.serve("/none", b"", 404))
    assert (refused.status, refused.code, refused.body) == (400, "failed_to_download_image", other.body)


def test_a_name_server_that_does_not_answer_is_left_in_time(fetcher):
    slow = replace(fetcher, resolve=lambda host: time.sleep(0.5) or [HERE], seconds=0.1)
    assert refusal(slow, f"https://{HOST}/").code == "invalid_image_url"


def test_a_byte_too_much_is_refused_and_the_last_one_taken(site, fetcher):
    patient = replace(fetcher, seconds=20)
    assert len(patient.fetch(site.serve("/most", bytes(MAX_BYTES)), "init_image")) == MAX_BYTES
    assert refusal(patient, site.serve("/more", bytes(MAX_BYTES + 1))).code == "failed_to_download_image"


def test_too_many_fetches_at_a_time_are_put_off(site, fetcher):
    held = [FETCHES.acquire(blocking=False) for _ in range(100)]
    refused = refusal(fetcher, site.serve("/kite", b"kite"))
    for _ in filter(None, held):
        FETCHES.release()
    assert (refused.status, refused.code, refused.headers) == (503, "engine_overloaded", {"retry-after": "5"})
    assert fetcher.fetch(site.serve("/kite", b"kite"), "init_image") == b"kite"
