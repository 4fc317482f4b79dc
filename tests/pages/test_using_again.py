"""Does "Use again" make a generation as the earlier one was, with what the form has no fields for?"""

import json
import re
from html import unescape

import pytest

from generation.models import GenerationJob
from loras.models import Checkpoint, ControlNet
from tests.generation.giving import given, left_half, plain

INPAINT = {"init_image": given(plain()), "mask": given(left_half(255, 0)), "mask_mode": "white", "strength": 0.5}
REST = {"sigmas": "karras", "hires": {"scale": 1.5}, "refiner": {}, "determinism": "exact"}


@pytest.fixture
def earlier(alice):
    """A generation that has everything."""
    ControlNet.objects.create(name="edges", source="fake", sha256="c" * 64, context_width=2048)
    Checkpoint.objects.create(name="finisher", kind=Checkpoint.Kind.REFINER, source="fake-refiner")
    control = {"name": "edges", "image": given(plain("red")), "preprocess": "canny", "end": 0.5}
    body = {"prompt": "a red kite", "seed": 7, "controlnets": [control], **INPAINT, **REST}
    return alice.api.post("/api/v1/generations", body).json()


def hidden(page):
    return unescape(re.search(r'name="carried"[^>]*value="([^"]*)"', page)[1])


def test_what_the_form_has_no_fields_for_is_carried_along(alice, earlier):
    page = alice.browser.get(f"/?from={earlier['id']}").content.decode()
    assert "From the earlier generation: its init image, its mask, its ControlNets, its refiner" in page
    form = {"prompt": "a blue kite", "size": "custom", "width": 96, "height": 64, "carried": hidden(page)}
    alice.browser.post("/", form)
    made = GenerationJob.objects.latest("pk")
    spec = alice.api.get(f"/api/v1/generations/{made.pk}").json()["spec"]
    beyond = ("init_image", "strength", "mask", "mask_mode", "controlnets", "refiner", "hires", "sigmas", "determinism")
    assert [spec[name] for name in beyond] == [earlier["spec"][name] for name in beyond]
    assert spec["prompt"] == "a blue kite"


def test_a_plain_generation_carries_nothing(alice):
    plain_one = alice.api.post("/api/v1/generations", {"prompt": "a red kite"}).json()
    page = alice.browser.get(f"/?from={plain_one['id']}").content.decode()
    assert "From the earlier generation" not in page


@pytest.mark.parametrize(
    "carried", ["{", "[]", "[" * 9000, '{"strength": NaN}', json.dumps({"n": 5}), json.dumps({"tenant": 1})]
)
def test_what_was_not_carried_is_refused(alice, carried):
    page = alice.browser.post("/", {"prompt": "a red kite", "carried": carried}).content.decode()
    assert "Press Use again once more." in page
    assert not GenerationJob.objects.exists()


def test_a_strangers_picture_is_not_carried(alice, charlie, earlier):
    carried = json.dumps({"init_image": earlier["spec"]["init_image"]})
    page = charlie.browser.post("/", {"prompt": "a red kite", "carried": carried}).content.decode()
    assert "There is no such picture." in page
