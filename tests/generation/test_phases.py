"""What comes after the base: a refiner, a second pass; and presets, sigmas, determinism beside them."""

import pytest

from generation.models import GenerationJob
from loras.models import Checkpoint
from loras.presets import read_presets
from tests.generation.giving import given, picture_of, plain

ROUTE = "/api/v1/generations"


def ask(person, **fields):
    return person.api.post(ROUTE, {"prompt": "a red kite", "size": "64x64", "steps": 2, **fields})


def spec_of(person, **fields):
    return ask(person, **fields).json()["spec"]


def test_the_refiner_that_fits_takes_over_for_the_last_fifth(alice, refiner):
    assert spec_of(alice, refiner={})["refiner"] == {"start": 0.8, "checkpoint": "finisher"}
    refine = GenerationJob.objects.get().spec.refiner
    assert (refine.name, refine.source, refine.start, refine.guidance_scale) == ("finisher", "fake-refiner", 0.8, 5)


def test_where_several_fit_one_is_named(alice, refiner):
    other = Checkpoint.objects.create(name="polisher", kind=Checkpoint.Kind.REFINER, source="other")
    error = ask(alice, refiner={"start": 0.5}).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "refiner.checkpoint")
    assert "finisher, polisher" in error["message"]
    assert spec_of(alice, refiner={"start": 0.5, "checkpoint": other.pk})["refiner"]["checkpoint"] == "polisher"


def test_a_server_without_a_refiner_says_so(alice):
    answer = ask(alice, refiner={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "refiner_not_found")
    assert answer.json()["error"]["param"] == "refiner"


def test_a_refiner_for_another_base_is_refused_where_that_is_known(alice, refiner):
    Checkpoint.objects.filter(is_default=True).update(context_width=64)
    named = ask(alice, refiner={"checkpoint": "finisher"}).json()["error"]
    assert (named["code"], named["param"]) == ("refiner_base_mismatch", "refiner.checkpoint")
    assert ask(alice, refiner={}).json()["error"]["code"] == "refiner_not_found"


def test_a_base_is_no_refiner(alice, refiner):
    error = ask(alice, refiner={"checkpoint": "fake-sdxl"}).json()["error"]
    assert (error["code"], error["message"][-16:]) == ("refiner_not_found", "Known: finisher.")


def test_a_second_pass_makes_the_picture_larger(alice, make_image):
    image = make_image(alice, size="96x64", steps=1, hires={"scale": 1.5})
    assert picture_of(alice, image).size == (image.width, image.height) == (144, 96)
    assert alice.api.get(f"{ROUTE}/{image.job_id}").json()["spec"]["hires"] == {"scale": 1.5, "strength": 0.7}


def test_a_second_pass_stays_within_the_largest_size(alice):
    error = ask(alice, size="1024x512", hires={"scale": 2.1}).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_size", "hires.scale")
    assert error["message"].endswith("the largest are 2048x2048. Here hires.scale may be 2.")
    assert ask(alice, size="1024x512", hires={"scale": 2}).status_code == 202


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"n": 4, "size": "1024x1024", "steps": 100}, 202),
        ({"n": 4, "size": "1024x1024", "steps": 100, "hires": {"scale": 1.2, "strength": 0.1}}, 400),
        (
            {
                "n": 4,
                "size": "1024x1024",
                "steps": 100,
                "hires": {"scale": 1.2},
                "init_image": given(plain()),
                "strength": 0.2,
            },
            400,
        ),
        ({"n": 4, "size": "1024x1024", "steps": 50, "hires": {"scale": 1.2, "strength": 0.3}}, 202),
        ({"n": 8, "size": "1024x1024", "steps": 100, "init_image": given(plain()), "strength": 0.5}, 202),
    ],
)
def test_the_budget_counts_the_steps_of_both_passes(alice, fields, status):
    answer = ask(alice, **fields)
    assert answer.status_code == status
    assert status == 202 or answer.json()["error"]["code"] == "job_too_large"


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"n": 5, "size": "2048x2048", "steps": 40}, {"n": 2}),
        ({"n": 2, "size": "1024x1024", "steps": 100, "hires": {"scale": 2, "strength": 1}}, {"n": 1, "steps": 80}),
    ],
)
def test_what_is_too_large_is_told_what_would_pass(alice, fields, change):
    message = ask(alice, **fields).json()["error"]["message"]
    assert all(f"{name} may be {value}" in message for name, value in change.items()), message
    assert ask(alice, **fields | change).status_code == 202


@pytest.fixture
def lightning(checkpoint):
    """The checkpoint declares a preset for few steps."""
    preset = {"name": "lightning", "steps": 4, "guidance_scale": 1.0, "scheduler": "HeunDiscreteScheduler"}
    Checkpoint.objects.update(presets=read_presets([preset | {"sigmas": "karras", "timestep_spacing": "trailing"}]))


def test_a_preset_is_between_what_is_said_and_what_is_usual(alice, lightning):
    spec = alice.api.post(ROUTE, {"prompt": "a red kite", "preset": "lightning", "guidance_scale": 2}).json()["spec"]
    told = {name: spec[name] for name in ("preset", "steps", "guidance_scale", "sigmas", "scheduler", "width")}
    assert told == {
        "preset": "lightning", "steps": 4, "guidance_scale": 2, "sigmas": "karras",
        "scheduler": "HeunDiscreteScheduler", "width": 1024,
    }  # fmt: skip


def test_a_presets_spacing_reaches_the_engine(alice, lightning):
    assert spec_of(alice, preset="lightning")["timestep_spacing"] == "trailing"
    assert GenerationJob.objects.get().spec.timestep_spacing == "trailing"


def test_what_a_preset_and_a_request_say_must_fit_together(alice, lightning):
    error = ask(alice, preset="lightning", scheduler="DDIMScheduler").json()["error"]
    assert (error["param"], error["message"]) == ("sigmas", "sigmas of DDIMScheduler must be one of: default.")


def test_a_preset_that_does_not_go_with_the_scheduler_is_refused_as_such(alice, lightning):
    error = ask(alice, preset="lightning", scheduler="DPMSolverSinglestepScheduler").json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "preset")
    assert error["message"].startswith("The preset lightning does not go with the other settings: ")


def test_an_unknown_preset_is_refused_with_those_there_are(alice, lightning):
    error = ask(alice, preset="turbo").json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "preset")
    assert error["message"] == "The checkpoint fake-sdxl has no preset of that name. Known: lightning."


def test_sigmas_determinism_and_previews_reach_the_engine(alice):
    shown = spec_of(alice, sigmas="beta", determinism="exact", previews=3)
    assert (shown["sigmas"], shown["determinism"], shown["previews"]) == ("beta", "exact", 3)
    spec = GenerationJob.objects.get().spec
    assert (spec.sigmas, spec.exact, spec.previews) == ("beta", True, 3)


def test_what_is_not_said_is_told_as_it_is(alice):
    shown = spec_of(alice)
    names = ("sigmas", "preset", "controlnets", "refiner", "hires", "determinism", "previews", "mask_blur")
    assert [shown[name] for name in names] == ["default", None, [], None, None, "fast", 0, 0]
