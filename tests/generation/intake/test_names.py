"""Name servers that do not answer hold up as few as may be."""

import threading

import pytest

from generation.intake.fetching import Fetcher
from wire.errors import ApiError
from wire.guard import NAMES


def test_a_name_that_nobody_waits_for_any_more_is_not_asked_for():
    asked, answered = [], threading.Event()
    slow = Fetcher(resolve=lambda host: asked.append(host) or [str(answered.wait(10))], seconds=0.05)
    for number in range(8):
        with pytest.raises(ApiError):
            slow.fetch(f"https://{number}.example/", "init_image")
    answered.set()
    NAMES.submit(int).result(10)  # behind all of them
    assert len(asked) <= 4
