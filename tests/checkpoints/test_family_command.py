"""Does one command run every stage, with settings for the machine, and not twice?"""

from pathlib import Path

import pytest

from checkpoints.recipe.family import command, stages, weights_and_pictures


def words_of(name: str, device: str, *, trial: bool = False) -> list[str]:
    stage = next(stage for stage in stages(Path("out")) if stage.name == name)
    return command(stage, Path("var/family"), device, trial=trial)


def test_all_minutes_on_a_gpu_leave_time_for_the_rest_of_twenty():
    assert sum(stage.minutes.get("cuda", 0) for stage in stages(Path("out"))) < 17


def test_only_a_gpu_learns_several_things_in_a_picture():
    assert "--scene-share" in words_of("unet", "cuda")
    assert "--scene-share" not in words_of("unet", "cpu")


@pytest.mark.parametrize("name", ["canny", "scribble", "refiner", "inkline", "zibbo"])
def test_what_stands_on_the_base_reads_the_one_just_made(name):
    assert "out/mini" in words_of(name, "cpu")


def test_a_trial_takes_a_second_for_each_stage():
    words = words_of("unet", "cpu", trial=True)

    assert words[words.index("--minutes") + 1] == "0.02"


def test_the_recipe_does_not_count_as_the_family(tmp_path):
    for name in ("mini/unet/weights.safetensors", "recipe/unet.py", "loras/inkline.safetensors", "grid.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    assert {file.name for file in weights_and_pictures(tmp_path)} == {
        "weights.safetensors", "inkline.safetensors", "grid.png",
    }  # fmt: skip
