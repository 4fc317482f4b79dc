"""Does a picture say how it was made? Its receipt names every picture and every weight by its hash."""

import json

import pytest

from generation.engine.spec import Spec
from generation.models import Upload
from generation.receipts import tolerance
from tests.generation.giving import given, left_half, picture_of, plain

PLAIN = {"size": "96x64", "steps": 1}
MASK = {"init_image": given(plain()), "mask": given(left_half(255, 0)), "mask_mode": "white", "mask_blur": 4}
LINES = {"name": "edges", "image": given(plain("red")), "preprocess": "canny", "weight": 0.5, "end": 0.75}


def test_the_receipt_names_all_that_a_picture_is_made_of(alice, controlnet, refiner, make_image):
    image = make_image(alice, **PLAIN, **MASK, controlnets=[LINES], refiner={}, hires={}, sigmas="karras")
    receipt = image.receipt
    init_image, mask, followed = Upload.objects.order_by("pk")
    assert (receipt["kind"], receipt["strength"], receipt["sigmas"]) == ("inpaint", 1, "karras")
    assert receipt["init_image"] == {"sha256": init_image.sha256}
    assert receipt["mask"] == {"sha256": mask.sha256, "mode": "white", "blur": 4}
    assert receipt["refiner"] == {"name": "finisher", "start": 0.8, "guidance_scale": 5}
    assert receipt["hires"] == {"scale": 2, "strength": 0.7}
    assert receipt["controlnets"] == [
        {
            "name": "edges", "sha256": controlnet.sha256, "image": {"sha256": followed.sha256}, "preprocess": "canny",
            "weight": 0.5, "start": 0, "end": 0.75,
        }
    ]  # fmt: skip


def test_the_file_carries_both_texts(alice, controlnet, refiner, make_image):
    image = make_image(alice, **PLAIN, **MASK, controlnets=[LINES], refiner={}, hires={})
    texts = picture_of(alice, image).text
    assert json.loads(texts["receipt"]) == image.receipt
    for setting in ("Denoising strength: 1, Mask blur: 4", "Hires upscale: 2", "Refiner: finisher", "Module: canny"):
        assert setting in texts["parameters"]


def test_a_plain_picture_says_that_nothing_of_this_was_there(alice, make_image):
    receipt = make_image(alice, **PLAIN).receipt
    assert [receipt[name] for name in ("init_image", "strength", "mask", "refiner", "hires", "preset")] == [None] * 6
    assert (receipt["kind"], receipt["controlnets"], receipt["determinism"]) == ("text_to_image", [], "fast")


@pytest.mark.parametrize(
    ("exact", "device", "dtype", "named"),
    [
        (False, "cpu", "float32", "1/255"),
        (True, "cpu", "float32", "0"),
        (False, "NVIDIA H100 80GB HBM3", "float16", None),
    ],
)
def test_the_tolerance_is_named_where_it_was_measured(spec, exact, device, dtype, named):
    assert tolerance(spec(exact=exact), {"device": device, "dtype": dtype}) == named


@pytest.fixture
def spec():
    """A spec that says little."""

    def make(**said) -> Spec:
        asked = {"checkpoint": "mini", "prompt": "a red kite", "negative_prompt": "", "width": 64, "height": 64}
        return Spec(**asked, steps=1, guidance_scale=1, seed=0, n=1, scheduler="EulerDiscreteScheduler", **said)

    return make
