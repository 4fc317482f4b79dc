"""A newcomer finds on the shelf what came with the embedded checkpoint: LoRAs, ControlNets and a refiner."""

import pytest

from darkroom.up.prepare import shelve_examples
from loras.models import Checkpoint, ControlNet, Lora

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelf(settings, tmp_path):
    """A storage for weights of the test's own, and the embedded checkpoint."""
    settings.CHECKPOINT = str(settings.ROOT / "checkpoints" / "mini")
    weights = settings.WEIGHTS | {"OPTIONS": {"location": tmp_path / "weights"}}
    settings.STORAGES = settings.STORAGES | {"weights": weights}


def test_the_first_start_shelves_the_example_loras(tmp_path):
    shelve_examples(tmp_path)
    found = dict(Lora.objects.values_list("name", "trigger_words"))
    assert found == {"inkline": "inkline style", "zibbo": "zibbo"}


def test_the_first_start_shelves_the_controlnets_and_the_refiner_as_they_wish_to_be_used(tmp_path):
    shelve_examples(tmp_path)
    found = set(ControlNet.objects.values_list("name", "kind", "weight"))
    assert found == {("mini-canny", "canny", 1.4), ("mini-scribble", "scribble", 1.4)}
    refiner = Checkpoint.objects.get()
    assert (refiner.name, refiner.kind, refiner.guidance_scale) == ("mini-refiner", "refiner", 5)


def test_what_an_operator_removes_stays_away(tmp_path):
    shelve_examples(tmp_path)
    Lora.objects.all().delete()
    shelve_examples(tmp_path)
    assert not Lora.objects.exists()


def test_another_checkpoint_gets_none_of_them(settings, tmp_path):
    settings.CHECKPOINT = "stabilityai/stable-diffusion-xl-base-1.0"
    shelve_examples(tmp_path)
    assert not Lora.objects.exists()
