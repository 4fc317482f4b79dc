"""What no request may say of pictures, ControlNets, refiners and second passes: refused by name, nothing is stored."""

import pytest

from generation.models import GenerationJob, Upload
from tests.generation.giving import given, left_half, plain

ROUTE = "/api/v1/generations"
PICTURE, CLEAR = given(plain()), given(plain((0, 0, 0, 0), mode="RGBA"))
LINES = {"name": "edges", "image": PICTURE}


def begun(**fields):
    return {"init_image": PICTURE, **fields}


def followed(**fields):
    return {"controlnets": [LINES | fields]}


REFUSED = [
    ({"strength": 0.5}, "invalid_value", "strength"),
    ({"mask": CLEAR}, "invalid_value", "mask"),
    (begun(mask_mode="white"), "invalid_value", "mask_mode"),
    (begun(mask_blur=4), "invalid_value", "mask_blur"),
    (begun(strength=1.01), "number_out_of_range", "strength"),
    (begun(strength=-0.01), "number_out_of_range", "strength"),
    (begun(strength="0.5"), "invalid_type", "strength"),
    (begun(strength=None), "invalid_type", "strength"),
    (begun(mask=CLEAR, mask_mode="black"), "invalid_value", "mask_mode"),
    (begun(mask=CLEAR, mask_blur=65), "integer_above_max_value", "mask_blur"),
    (begun(mask=CLEAR, mask_blur=-1), "integer_below_min_value", "mask_blur"),
    (begun(mask=CLEAR, mask_blur=1.5), "invalid_type", "mask_blur"),
    (begun(mask=given(plain((0, 0, 0, 0), (64, 64), "RGBA"))), "mask_size_mismatch", "mask"),
    (begun(mask=given(left_half(255, 0))), "invalid_mask", "mask"),
    (begun(mask=given(plain(0, mode="L")), mask_mode="white"), "invalid_mask", "mask"),
    (begun(mask=given(plain(127, mode="L")), mask_mode="white"), "invalid_mask", "mask"),
    (
        begun(mask=given(left_half((0, 0, 0, 0), "black", mode="RGBA")), mask_mode="white", size="64x64"),
        "invalid_mask",
        "mask",
    ),
    ({"init_image": 5}, "invalid_type", "init_image"),
    ({"init_image": ""}, "empty_string", "init_image"),
    ({"init_image": ["x"]}, "invalid_type", "init_image"),
    ({"init_image": None}, "invalid_type", "init_image"),
    ({"controlnets": [LINES] * 5}, "too_many_controlnets", "controlnets"),
    ({"controlnets": [{"name": "edges"}]}, "missing_required_parameter", "controlnets[0].image"),
    ({"controlnets": [{"image": PICTURE}]}, "invalid_value", "controlnets[0]"),
    ({"controlnets": LINES}, "invalid_type", "controlnets"),
    ({"controlnets": None}, "invalid_type", "controlnets"),
    ({"controlnets": ["edges"]}, "invalid_type", "controlnets[0]"),
    (followed(id="cnet_1"), "invalid_value", "controlnets[0]"),
    (followed(image=5), "invalid_type", "controlnets[0].image"),
    (followed(preprocess="magic"), "invalid_value", "controlnets[0].preprocess"),
    (followed(weight=2.01), "number_out_of_range", "controlnets[0].weight"),
    (followed(weight=-0.01), "number_out_of_range", "controlnets[0].weight"),
    (followed(start=0.5, end=0.5), "invalid_value", "controlnets[0].end"),
    (followed(start=0.8, end=0.2), "invalid_value", "controlnets[0].end"),
    (followed(end=1.1), "number_out_of_range", "controlnets[0].end"),
    (followed(strength=1), "unknown_parameter", "controlnets[0].strength"),
    ({"refiner": True}, "invalid_type", "refiner"),
    ({"refiner": None}, "invalid_type", "refiner"),
    ({"refiner": {"start": 1.1}}, "number_out_of_range", "refiner.start"),
    ({"refiner": {"steps": 5}}, "unknown_parameter", "refiner.steps"),
    ({"hires": {"scale": 1.0}}, "number_out_of_range", "hires.scale"),
    ({"hires": {"scale": 4.1}}, "number_out_of_range", "hires.scale"),
    ({"hires": {"strength": 2}}, "number_out_of_range", "hires.strength"),
    ({"hires": 2}, "invalid_type", "hires"),
    ({"size": "2048x2048", "steps": 1, "hires": {}}, "invalid_size", "hires.scale"),
    ({"scheduler": "DDIMScheduler", "sigmas": "karras"}, "invalid_value", "sigmas"),
    ({"scheduler": "LCMScheduler", "steps": 51}, "invalid_value", "steps"),
    ({"sigmas": "linear"}, "invalid_value", "sigmas"),
    ({"prompt": "a (red:50) kite"}, "invalid_value", "prompt"),
    ({"negative_prompt": "BREAK " * 30}, "invalid_value", "negative_prompt"),
    ({"preset": "turbo"}, "invalid_value", "preset"),
    ({"preset": 4}, "invalid_type", "preset"),
    ({"determinism": "perfect"}, "invalid_value", "determinism"),
    ({"determinism": True}, "invalid_type", "determinism"),
    ({"previews": 4}, "integer_above_max_value", "previews"),
    ({"previews": -1}, "integer_below_min_value", "previews"),
]


@pytest.mark.parametrize(("fields", "code", "param"), REFUSED)
def test_it_is_refused_by_name_and_no_job_is_stored(alice, controlnet, fields, code, param):
    answer = alice.api.post(ROUTE, {"prompt": "a red kite", **fields})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["message"].endswith(".")
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"controlnets": [LINES, LINES | {"name": "depth"}]}, "controlnet_not_found", "controlnets[1]"),
        ({"controlnets": [{"id": "edges", "image": PICTURE}]}, "controlnet_not_found", "controlnets[0]"),
        ({"refiner": {}}, "refiner_not_found", "refiner"),
        ({"refiner": {"checkpoint": "none-such"}}, "refiner_not_found", "refiner.checkpoint"),
        ({"init_image": "upl_00000000000000000000000000"}, "image_not_found", "init_image"),
    ],
)
def test_what_is_not_there_is_named(alice, controlnet, fields, code, param):
    answer = alice.api.post(ROUTE, {"prompt": "a red kite", **fields})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, code, param)


def test_a_mask_without_a_hole_is_told_of_the_other_kind(alice):
    answer = alice.api.post(ROUTE, {"prompt": "a red kite", **begun(mask=given(left_half(255, 0)))})
    assert answer.json()["error"]["message"].endswith("A mask in black and white wants mask_mode white.")


def test_no_picture_is_taken_for_a_request_that_is_refused_without_it(alice):
    alice.api.post(ROUTE, {"prompt": "a red kite", "init_image": PICTURE, "refiner": {}})
    assert not Upload.objects.exists()
