"""Does "Use again" bring every setting back, inputs included, and does a picture's page show what went in?"""

import pytest

from generation.models import GenerationJob
from loras.models import Checkpoint, ControlNet
from tests.generation.giving import given, left_half, plain
from tests.pages.composing import filled, shown
from tests.pages.conftest import queries_of

INPAINT = {"init_image": given(plain()), "mask": given(left_half(255, 0)), "mask_mode": "white", "strength": 0.5}
REST = {"sigmas": "karras", "hires": {"scale": 1.5}, "refiner": {"start": 0.7}, "determinism": "exact", "mask_blur": 2}


@pytest.fixture
def everything(alice):
    """What may be asked for, all at once."""
    ControlNet.objects.create(name="edges", title="Edges", source="fake", sha256="c" * 64, context_width=2048)
    Checkpoint.objects.create(name="finisher", kind=Checkpoint.Kind.REFINER, source="fake-refiner")
    control = {"name": "edges", "image": given(plain("red")), "preprocess": "canny", "end": 0.5}
    return {"prompt": "a red kite", "seed": 7, "controlnets": [control], "previews": 3, "steps": 2, **INPAINT, **REST}


def test_every_setting_comes_back(alice, everything):
    earlier = alice.api.post("/api/v1/generations", everything).json()
    form = alice.browser.get(f"/?from={earlier['id']}").context["form"]
    assert form.opened == {"start": True, "controls": True, "phases": True, "settings": True}
    assert alice.browser.post("/", filled(form)).status_code == 302
    assert GenerationJob.objects.count() == 2
    assert shown(alice) == earlier["spec"]


def test_a_plain_generation_leaves_the_drawers_closed_but_for_the_settings(alice):
    earlier = alice.api.post("/api/v1/generations", {"prompt": "a red kite", "previews": 3}).json()
    form = alice.browser.get(f"/?from={earlier['id']}").context["form"]
    assert form.opened == {"start": False, "controls": False, "phases": False, "settings": True}
    alice.browser.post("/", filled(form))
    assert shown(alice) == earlier["spec"]


def test_a_pictures_page_shows_what_went_in(alice, everything, make_image):
    image = make_image(alice, **everything)
    page = alice.browser.get(f"/images/{image.pk}").content.decode()
    job = image.job
    for upload in (job.init_image, job.mask, job.controls.get().image):
        assert f'href="/api/v1/uploads/{upload.pk}/content"' in page
    for words in ("strength 0.5", "soft edge of 2 px", "thin lines made of it, weight 1, from 0 to 0.5"):
        assert words in page
    for words in ("karras noise", "finisher, after 0.7 of", "1.5 times as large, strength 0.7", "Exactly the same"):
        assert words in page


def test_more_inputs_cost_no_more_queries(alice, everything, make_image):
    one = make_image(alice, **everything)
    many = make_image(alice, **everything | {"controlnets": everything["controlnets"] * 3})
    (_, few), (_, more) = (queries_of(alice.browser, f"/images/{image.pk}") for image in (one, many))
    assert few >= more  # the second has no newer neighbour
    queries = [queries_of(alice.browser, f"/?from={image.pk}")[1] for image in (one, many)]
    assert queries[0] == queries[1]


def test_a_viewer_is_not_offered_a_start(alice, make_image):
    image = make_image(alice, size="64x64", steps=1)
    alice.user.memberships.update(role="viewer")
    assert "Use as start" not in alice.browser.get(f"/images/{image.pk}").content.decode()
