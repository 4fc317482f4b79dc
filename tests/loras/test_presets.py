"""Presets: a checkpoint says which settings go together, and nothing is kept that a request could not use."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from loras.models import Checkpoint
from loras.presets import NoSuchPreset, PresetUnfit, read_presets
from loras.services import place_checkpoint, preset_of, shelve_checkpoint

pytestmark = pytest.mark.django_db(transaction=True)

LIGHTNING = {"name": "lightning", "steps": 4, "guidance_scale": 1.0, "scheduler": "EulerDiscreteScheduler"}
SETTINGS = {"steps": 4, "guidance_scale": 1.0, "scheduler": "EulerDiscreteScheduler"}
MINI = Path(__file__).parents[2] / "checkpoints" / "mini"


def folder_that_says(folder, presets):
    (folder / "darkroom.json").write_text(json.dumps({"name": "fast", "presets": presets}))
    return str(folder)


def test_a_preset_stands_for_all_its_settings_those_unsaid_too(tmp_path):
    trailing = LIGHTNING | {"timestep_spacing": "trailing"}
    checkpoint = shelve_checkpoint(folder_that_says(tmp_path, [trailing]))
    assert preset_of(checkpoint, "lightning") == SETTINGS | {"sigmas": "default", "timestep_spacing": "trailing"}


def test_a_preset_that_is_not_there_is_told_with_those_that_are(tmp_path):
    checkpoint = shelve_checkpoint(folder_that_says(tmp_path, [LIGHTNING, LIGHTNING | {"name": "turbo"}]))
    with pytest.raises(NoSuchPreset, match=r"fast has no preset of that name. Known: lightning, turbo\.$"):
        preset_of(checkpoint, "lightening")
    with pytest.raises(NoSuchPreset, match=r"has no preset of that name. It has none\.$"):
        preset_of(place_checkpoint("plain", "plain")[0], "lightning")


@pytest.mark.parametrize(
    ("presets", "sentence"),
    [
        ({"name": "x"}, "presets must be a list of objects: [{name, steps, guidance_scale, scheduler, ...}]."),
        (["x"], "presets[0]: Give a JSON object: {...}."),
        ([LIGHTNING | {"cfg": 1}], "presets[0]: There is no field 'cfg'. Known: name, title, steps,"),
        ([LIGHTNING | {"steps": 0}], "presets[0]: steps must be at least 1."),
        ([LIGHTNING | {"guidance_scale": "1"}], "presets[0]: guidance_scale must be a number."),
        ([LIGHTNING, {"name": "x"}], "presets[1].steps: This field is required."),
        ([LIGHTNING | {"scheduler": "Euler"}], "presets[0]: scheduler must be one of: EulerDiscreteScheduler,"),
        (
            [LIGHTNING | {"scheduler": "LCMScheduler", "sigmas": "karras"}],
            "presets[0]: sigmas of LCMScheduler must be one of: default.",
        ),
        ([LIGHTNING, LIGHTNING], "presets has two of the name 'lightning': requests could not tell them apart."),
    ],
)
def test_what_no_request_could_use_is_refused_in_a_sentence(presets, sentence):
    with pytest.raises(PresetUnfit) as refusal:
        read_presets(presets)
    assert str(refusal.value).startswith(sentence)


def test_the_operator_who_installs_it_reads_which_file_says_so(tmp_path):
    for part in MINI.iterdir():
        if part.is_dir() or part.name == "model_index.json":
            (tmp_path / part.name).symlink_to(part)
    source = folder_that_says(tmp_path, [LIGHTNING | {"steps": 1000}])
    with pytest.raises(CommandError, match=r"darkroom\.json: presets\[0\]: steps must be at most 100\.$"):
        call_command("install_checkpoint", source)
    assert not Checkpoint.objects.exists()


def test_what_an_operator_changed_in_the_console_stays(tmp_path):
    source = folder_that_says(tmp_path, [LIGHTNING])
    shelve_checkpoint(source)
    Checkpoint.objects.update(presets=[])
    assert shelve_checkpoint(source).presets == []


def test_presets_are_listed_with_their_checkpoints_the_default_first(alice, tmp_path):
    place_checkpoint(folder_that_says(tmp_path, [LIGHTNING | {"title": "Four steps"}]), "another")
    shelve_checkpoint(str(MINI))
    draft, lightning = alice.api.get("/api/v1/presets").json()["data"]
    assert (draft["checkpoint"], draft["name"], draft["steps"]) == ("mini", "draft", 8)
    unsaid = {"sigmas": "default", "timestep_spacing": "default"}
    shown = SETTINGS | unsaid | {"name": "lightning", "title": "Four steps"}
    assert lightning == shown | {"object": "preset", "checkpoint": "another"}


def test_the_console_refuses_what_the_card_may_not_say_either(operator, checkpoint):
    mini, _ = place_checkpoint(str(MINI), "mini")
    page = f"/admin/loras/checkpoint/{mini.pk}/change/"
    fields = {"name": "mini", "source": str(MINI), "width": 128, "height": 128, "steps": 20, "guidance_scale": 4}
    fields |= {"scheduler": "EulerDiscreteScheduler", "presets": json.dumps([LIGHTNING | {"steps": 0}])}
    answer = operator.post(page, fields)
    assert "steps must be at least 1" in answer.context["adminform"].form.errors["presets"][0]
    assert operator.post(page, fields | {"presets": json.dumps([LIGHTNING])}).status_code == 302
    assert preset_of(Checkpoint.objects.get(name="mini"), "lightning")["sigmas"] == "default"
