"""Does the form choose ControlNets with their pictures, a refiner, a second pass and presets, and order them?"""

import re

import pytest

from generation.models import GenerationJob
from loras.models import Checkpoint, ControlNet
from loras.services import place_checkpoint
from tests.generation.giving import plain
from tests.pages.composing import NO_CONTROL, WINDOW, change, order, ordered, part_of, value

CONTROL = NO_CONTROL | WINDOW


@pytest.fixture
def edges(alice) -> ControlNet:
    """A ControlNet on the shelf that wants lines."""
    return ControlNet.objects.create(
        name="edges", title="Edges", kind="canny", source="fake", sha256="c" * 64, context_width=2048, weight=0.9
    )


@pytest.fixture
def red(alice) -> str:
    """The id of a picture to follow."""
    return value(change(alice, "start", init_image_file=part_of(plain("red"))), "init_image")


@pytest.fixture
def finisher(alice) -> Checkpoint:
    """A refiner on the shelf."""
    return Checkpoint.objects.create(name="finisher", kind=Checkpoint.Kind.REFINER, source="fake-refiner")


@pytest.fixture
def draft(alice) -> None:
    """A preset of the checkpoint."""
    preset = {"name": "draft", "title": "Draft", "steps": 8, "guidance_scale": 3.0, "sigmas": "karras"}
    rest = {"scheduler": "DPMSolverMultistepScheduler", "timestep_spacing": "default"}
    Checkpoint.objects.filter(is_default=True).update(presets=[preset | rest])


def test_one_is_added_as_it_wants_to_be_followed(alice, edges):
    page = change(alice, "controls", add_control="edges")
    assert (value(page, "control_name"), value(page, "control_weight")) == ("edges", "0.9")
    assert '<option value="canny" selected>Make thin lines from it</option>' in page


def test_its_picture_is_taken_in_and_shown(alice, edges):
    page = change(alice, "controls", **CONTROL, control_image_0_file=part_of(plain("red")))
    image = value(page, "control_image")
    assert image.startswith("upl_")
    assert f'src="/api/v1/uploads/{image}/content"' in page


def test_it_may_be_the_start_picture_and_is_removed_again(alice, edges, red):
    page = change(alice, "controls", **CONTROL, init_image=red, start_as_control="0")
    assert value(page, "control_image") == red
    assert value(change(alice, "controls", **CONTROL, remove_control="0"), "control_name") == ""


def test_two_become_a_job_in_their_order(alice, edges, red):
    two = {
        "control_name": ["edges", "edges"], "control_image": [red, red], "control_preprocess": ["", "canny"],
        "control_weight": ["0.5", "1"], "control_start": ["0", "0.5"], "control_end": ["0.5", "1"],
    }  # fmt: skip
    controls = ordered(alice, **two)["controlnets"]
    assert [(each["preprocess"], each["weight"], each["start"], each["end"]) for each in controls] == [
        (None, 0.5, 0, 0.5),
        ("canny", 1, 0.5, 1),
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"control_image": ""}, "Choose the picture to follow."),
        ({"control_weight": "3"}, "Weight must be between 0.0 and 2.0."),
        ({"control_weight": "much"}, "Weight must be a number."),
        ({"control_start": "1", "control_end": "0.5"}, "“To” must be greater than “From”."),
        ({"control_preprocess": "magic"}, "Preprocess must be one of:"),
    ],
)
def test_what_is_wrong_stands_at_the_one_that_is_meant(alice, edges, red, fields, sentence):
    answer = order(alice, **(CONTROL | {"control_image": red} | fields))
    (each,) = answer.context["form"].composition.controls.picked
    assert each.error.startswith(sentence)
    assert not GenerationJob.objects.exists()


def test_one_that_left_the_shelf_is_told(alice, edges):
    answer = order(alice, **(CONTROL | {"control_name": "gone", "control_image": "upl_x"}))
    assert answer.context["form"]["controlnets"].errors[0].startswith("There is no such ControlNet")
    assert "was left out" in answer.content.decode()


def test_a_bare_shelf_shows_neither_controlnets_nor_refiners_nor_presets(alice):
    page = alice.browser.get("/").content.decode()
    assert [name for name in ("add_control", 'name="refiner"', 'name="preset"') if name in page] == []


def test_those_of_another_base_are_not_offered(alice, edges):
    Checkpoint.objects.filter(is_default=True).update(context_width=64)
    assert "add_control" not in alice.browser.get("/").content.decode()


def test_a_refiner_and_a_second_pass_are_ordered(alice, finisher):
    fields = {"refiner": "finisher", "refiner_start": "0.7", "hires": "on", "hires_scale": "1.5", "hires_strength": ""}
    spec = ordered(alice, **fields)
    assert (spec["refiner"], spec["hires"]) == (
        {"start": 0.7, "checkpoint": "finisher"},
        {"scale": 1.5, "strength": 0.7},
    )


def test_what_is_off_is_not_ordered_whatever_stands_beneath(alice, finisher):
    spec = ordered(alice, refiner="", refiner_start="0.7", hires_scale="9", hires_strength="1")
    assert (spec["refiner"], spec["hires"]) == (None, None)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"hires": "on", "hires_scale": "9"}, "hires_scale", "Times as large must be between 1.1 and 4.0."),
        ({"hires": "on", "hires_scale": "4", "width": "1024"}, "hires_scale", "The second pass would make pictures"),
        ({"refiner": "finisher", "refiner_start": "2"}, "refiner_start", "Takes over after must be between"),
        ({"refiner": "gone"}, "refiner", "There is no refiner of that name"),
        ({"preset": "gone"}, "preset", "The checkpoint fake-sdxl has no preset of that name."),
        ({"scheduler": "DDIMScheduler", "sigmas": "karras"}, "sigmas", "Noise levels"),
    ],
)
def test_each_error_stands_beside_its_field(alice, finisher, fields, field, sentence):
    answer = order(alice, **fields)
    assert answer.context["form"][field].errors[0].startswith(sentence)
    assert not GenerationJob.objects.exists()


def test_a_preset_fills_in_what_it_stands_for(alice, draft):
    page = change(alice, "settings", preset="draft")
    assert (value(page, "steps"), value(page, "guidance_scale")) == ("8", "3.0")
    assert re.findall(r'<option value="(\w+)" selected', page) == [
        "draft",
        "DPMSolverMultistepScheduler",
        "karras",
    ]


def test_no_preset_brings_the_checkpoints_own_back(alice, draft):
    assert value(change(alice, "settings", preset="", filled_preset="draft", steps="8"), "steps") == "30"


def test_another_checkpoint_brings_its_settings_and_its_size_in_the_same_shape(alice):
    place_checkpoint("other-sdxl", "other", width=256, height=256, steps=12)
    page = change(alice, "settings", checkpoint="other", filled_checkpoint="fake-sdxl", size="1344x768")
    assert value(page, "steps") == "12"
    assert re.findall(r'value="(\w+)" checked', page) == ["336x192"]


def test_a_bare_browser_that_chose_a_preset_gets_it_but_for_what_was_typed(alice, draft):
    fresh = {"filled_checkpoint": "fake-sdxl", "steps": "30", "guidance_scale": "9", "sigmas": "default"}
    spec = ordered(alice, preset="draft", scheduler="EulerDiscreteScheduler", **fresh)
    assert (spec["preset"], spec["steps"], spec["guidance_scale"]) == ("draft", 8, 9)
    assert (spec["scheduler"], spec["sigmas"]) == ("DPMSolverMultistepScheduler", "karras")


def test_exact_pictures_are_ordered(alice):
    assert ordered(alice, exact="on")["determinism"] == "exact"
    assert ordered(alice)["determinism"] == "fast"
