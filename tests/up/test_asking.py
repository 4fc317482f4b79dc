"""Whoever asks for pictures while a Darkroom dies asks again, until it is enough."""

import time
from contextlib import suppress

import pytest

from darkroom.up.asking import Asker
from darkroom.up.client import Client, Unreachable
from darkroom.up.store import free_port


@pytest.fixture
def asker():
    """Somebody who asks where nobody answers."""
    return Asker(Client(free_port(), "http://localhost", "no key"), "http://localhost/hook", seed=1)


def test_ctrl_c_waits_for_no_answer(asker):
    with suppress(KeyboardInterrupt), asker.threads() as threads:
        asked = threads.submit(asker.ask, 0)
        while not asker.unheard and not asked.done():
            time.sleep(0.01)
        raise KeyboardInterrupt
    with pytest.raises(Unreachable):
        asked.result(timeout=30)
