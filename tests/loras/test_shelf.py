"""The shelf of checkpoints: what a checkpoint says of itself becomes the defaults of requests."""

import json

import pytest

from loras.models import Checkpoint
from loras.services import default_checkpoint, shelve_checkpoint

pytestmark = pytest.mark.django_db


def test_a_folder_is_taken_at_its_own_word(tmp_path):
    card = {"name": "mini", "title": "A small one", "defaults": {"width": 128, "height": 128, "steps": 20}}
    (tmp_path / "darkroom.json").write_text(json.dumps(card))
    checkpoint = shelve_checkpoint(str(tmp_path))
    assert (checkpoint.name, checkpoint.width, checkpoint.steps, checkpoint.guidance_scale) == ("mini", 128, 20, 7.5)


def test_a_folder_without_a_card_has_the_size_its_unet_was_made_for(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text(json.dumps({"sample_size": 64}))
    assert shelve_checkpoint(str(tmp_path)).width == 512


def test_a_hub_id_has_sdxls_defaults():
    checkpoint = shelve_checkpoint("stabilityai/stable-diffusion-xl-base-1.0")
    assert (checkpoint.name, checkpoint.width) == ("stable-diffusion-xl-base-1.0", 1024)


def test_the_last_one_shelved_is_the_one_that_workers_load():
    shelve_checkpoint("one")
    shelve_checkpoint("two")
    shelve_checkpoint("one")
    assert default_checkpoint().name == "one"
    assert Checkpoint.objects.count() == 2
