"""A point breaks as the environment says, at the pass that it says, and never without it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from darkroom import env
from wire.failpoints import Broken, Point, failpoint, parsed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def breaks(settings, monkeypatch):
    """Let this process break as this says, as if it had never come to any point."""
    monkeypatch.setattr("wire.failpoints.passes", Counter())

    def plan(text):
        settings.FAILPOINTS = parsed(text)

    return plan


def test_nothing_breaks_unless_it_is_asked_for(breaks):
    breaks("")
    for point in Point:
        failpoint(point)


def test_a_point_fails_once_at_the_pass_that_is_named(breaks):
    breaks("claim.taken=raise@2")
    failpoint(Point.CLAIM_TAKEN)
    with pytest.raises(Broken, match=r"claim\.taken"):
        failpoint(Point.CLAIM_TAKEN)
    failpoint(Point.CLAIM_TAKEN)


def test_a_point_holds_its_thread_up(breaks):
    breaks("store.written=hang:0.05")
    began = time.monotonic()
    failpoint(Point.STORE_WRITTEN)
    assert time.monotonic() - began >= 0.05


def test_the_environment_of_a_process_says_where_it_dies():
    die = "import django; django.setup(); from wire.failpoints import *; failpoint(Point.CLAIM_TAKEN)"
    told = {"DARKROOM_FAILPOINTS": "claim.taken=kill", "DJANGO_SETTINGS_MODULE": "darkroom.settings"}
    paths = {"PYTHONPATH": os.pathsep.join((".", "platform"))}
    done = subprocess.run([sys.executable, "-c", die], cwd=ROOT, env=os.environ | told | paths, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("claim.taken", "must look like"),
        ("claim.taken=explode", "must look like"),
        ("claim.taken=hang:soon", "must look like"),
        ("claim.token=kill", "none of the points: upload.noted"),
    ],
)
def test_what_cannot_be_meant_stops_the_start_with_a_sentence(monkeypatch, text, why):
    monkeypatch.setenv("DARKROOM_FAILPOINTS", text)
    with pytest.raises(ImproperlyConfigured, match=f"DARKROOM_FAILPOINTS: .*{why}"):
        env.failpoints("DARKROOM_FAILPOINTS")


def test_every_point_stands_at_one_place_of_the_code():
    files = [file for room in ("platform", "generation", "loras") for file in (ROOT / room).rglob("*.py")]
    found = Counter(
        name for file in files for name in re.findall(r"failpoint(?:\(|, )Point\.(\w+)\)", file.read_text())
    )
    assert found == Counter(point.name for point in Point)
