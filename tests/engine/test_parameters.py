"""The `parameters` text is read by everybody's parser: AUTOMATIC1111's rules are applied to what we write."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from generation.engine.parameters import parameters_text
from generation.engine.spec import Control, Hires, LoraUse, Refine, Spec

SETTING = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')  # AUTOMATIC1111's own


def text_of(**said) -> str:
    asked = {"checkpoint": "mini", "prompt": "a red kite", "negative_prompt": "", "width": 832, "height": 1216}
    asked |= {"steps": 30, "guidance_scale": 6.5, "seed": 5, "n": 4, "scheduler": "EulerAncestralDiscreteScheduler"}
    model = said.pop("model", "mini")
    return parameters_text(Spec(**{**asked, **said}), seed=8, model=model, model_sha256="31e35c80fc4829d1" * 4)


def settings_of(text: str) -> dict[str, str]:
    found = SETTING.findall(text.splitlines()[-1])
    return {key: json.loads(value) if value.startswith('"') else value for key, value in found}


def test_the_last_line_holds_the_settings_of_the_one_picture():
    assert settings_of(text_of()) == {
        "Steps": "30",
        "Sampler": "Euler a",
        "Schedule type": "Automatic",
        "CFG scale": "6.5",
        "Seed": "8",
        "Size": "832x1216",
        "Model hash": "31e35c80fc",
        "Model": "mini",
    }


def test_prompts_keep_their_lines():
    lines = text_of(prompt="a red kite,\nover the sea", negative_prompt="grey\nblurry").splitlines()
    assert lines[:4] == ["a red kite,", "over the sea", "Negative prompt: grey", "blurry"]


def test_no_line_is_written_for_no_negative_prompt():
    assert len(text_of().splitlines()) == 2


@pytest.mark.parametrize("name", ["one, two", "one: two", 'one, "two"', "один: два"])
def test_a_name_with_signs_in_it_is_quoted(name):
    assert settings_of(text_of(model=name))["Model"] == name


def test_a_whole_guidance_scale_is_written_without_a_fraction():
    assert settings_of(text_of(guidance_scale=7.0))["CFG scale"] == "7"


def test_the_spacing_of_the_noise_levels_has_a_setting_of_its_own():
    settings = settings_of(text_of(scheduler="DPMSolverMultistepScheduler", sigmas="karras"))
    assert (settings["Sampler"], settings["Schedule type"]) == ("DPM++ 2M", "Karras")


def use(name, weight, autov3="a1b2c3d4e5f6" + "0" * 52):
    return LoraUse(name, Path("unread"), "f" * 64, weight, autov3)


def test_loras_stand_behind_the_prompt_with_their_weights():
    text = text_of(prompt="a red kite", negative_prompt="grey", loras=(use("kites", 0.5), use("ink (1930s)", -1.0)))
    assert text.splitlines()[:2] == ["a red kite <lora:kites:0.5> <lora:ink (1930s):-1>", "Negative prompt: grey"]


def test_loras_are_found_again_by_twelve_digits_of_autov3():
    settings = settings_of(text_of(loras=(use("kites", 0.5), use("ink", 1.0, "0123456789ab" + "f" * 52))))
    assert settings["Lora hashes"] == "kites: a1b2c3d4e5f6, ink: 0123456789ab"
    assert settings["Model"] == "mini"


def test_a_lora_whose_autov3_nobody_knows_has_no_hash():
    assert "Lora hashes" not in settings_of(text_of(loras=(use("kites", 0.5, autov3=""),)))


PIXELS = Image.new("RGB", (8, 8))


def test_a_picture_made_from_another_tells_how_strongly():
    settings = settings_of(text_of(init_image=PIXELS, strength=0.6))
    assert settings["Denoising strength"] == "0.6"
    assert "Mask blur" not in settings
    assert "Denoising strength" not in settings_of(text_of())


def test_an_inpainted_picture_tells_the_masks_blur():
    settings = settings_of(text_of(init_image=PIXELS, mask=PIXELS, mask_blur=4))
    assert (settings["Denoising strength"], settings["Mask blur"]) == ("1", "4")


def test_a_second_pass_is_told_as_hires():
    settings = settings_of(text_of(hires=Hires(1.5, 0.4)))
    told = ("Denoising strength", "Hires upscale", "Hires steps", "Hires upscaler")
    assert [settings[name] for name in told] == ["0.4", "1.5", "30", "Latent"]


def test_a_refiner_is_told_with_its_switch():
    settings = settings_of(text_of(refiner=Refine("finisher", "unread", 0.8, 5.0)))
    assert (settings["Refiner"], settings["Refiner switch at"]) == ("finisher", "0.8")


def test_each_controlnet_has_a_setting_of_its_own():
    one = Control("edges", "unread", PIXELS, 0.5, 0.0, 0.75, preprocess="canny", sha256="c0ffee00" * 8)
    settings = settings_of(text_of(controls=(one, Control("depth", "unread", PIXELS))))
    assert settings["ControlNet 0"] == (
        "Module: canny, Model: edges [c0ffee00], Weight: 0.5, Guidance Start: 0, Guidance End: 0.75"
    )
    assert settings["ControlNet 1"].startswith("Module: none, Model: depth, Weight: 1, ")
