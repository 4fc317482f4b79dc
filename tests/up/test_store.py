"""The embedded store lets in who knows the password, and forgets nothing when it is killed."""

from urllib.parse import urlsplit

import psutil
import pytest
from redis import Redis

from darkroom.up import store
from darkroom.up.child import Child


@pytest.fixture
def running(tmp_path):
    """An embedded store and its URL."""
    command, url = store.embedded(tmp_path / 'a "quoted" home')
    child = Child(command, tmp_path)
    child.start()
    while not store.answers(url):
        assert child.exit_status() is None, child.last_lines()
    yield child, url
    child.stop(lambda: False)


def test_only_the_password_opens_it(running):
    _, url = running
    assert store.answers(url)
    assert not store.answers(url.replace(urlsplit(url).password, "guess"))


def test_no_command_line_shows_the_password(running):
    child, url = running
    shown = " ".join(psutil.Process(child.process.pid).cmdline())
    assert urlsplit(url).password not in shown


def test_what_was_written_survives_a_kill(running):
    child, url = running
    Redis.from_url(url).set("a", "b")
    Redis.from_url(url).waitaof(1, 0, 5000)
    child.process.kill()
    child.process.wait()
    child.start()
    while not store.answers(url):
        assert child.exit_status() is None, child.last_lines()
    assert Redis.from_url(url).get("a") == b"b"
