"""The one door for LoRAs: what it keeps, what it suggests, what it knows already."""

import hashlib
import io
import json

import pytest
from django.core.files.storage import storages

from loras.models import Lora, LoraVersion
from loras.services import lora_name, register_lora, remove_lora
from loras.storage import local_path
from loras.weights.errors import LoraUnusable
from tests.shelf import lora_file


def test_a_file_is_kept_by_its_hash_with_all_its_names(shelve):
    version = shelve("kites", 1)
    content = lora_file(1).read()
    assert version.sha256 == hashlib.sha256(content).hexdigest()
    assert version.blob == f"loras/all/{version.sha256}.safetensors"
    assert local_path(version).read_bytes() == content
    assert (version.number, version.rank, version.parts, version.size_bytes) == (1, 4, ["unet"], len(content))
    assert version.autov2 == version.sha256[:10]


def test_the_same_file_again_is_what_it_is_already(shelve):
    first = shelve("kites", 1, license="CC0")
    again, is_new = register_lora(lora_file(1), "another name")
    assert (again, is_new) == (first, False)
    assert (Lora.objects.get().name, Lora.objects.get().license) == ("kites", "CC0")


def test_another_file_under_the_name_is_the_next_version_and_keeps_what_was_told(shelve):
    shelve("kites", 1, trigger_words="kite")
    second = shelve("kites", 2, license="CC0")
    assert (second.number, Lora.objects.get().newest_first[0]) == (2, second)
    assert (Lora.objects.get().words, Lora.objects.get().license) == (["kite"], "CC0")


def test_what_the_metadata_says_is_suggested_and_what_is_told_goes_before(checkpoint):
    metadata = {
        "modelspec.title": "Kites <script>alert(1)</script>\x00",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "ss_tag_frequency": json.dumps({"folder": {"red kite": 9, "sky": 3}}),
    }
    register_lora(lora_file(1, metadata), "kites", told={"title": "Mine"})
    register_lora(lora_file(2, metadata), "others")
    mine, other = Lora.objects.order_by("name")
    assert (mine.title, other.title) == ("Mine", "Kites <script>alert(1)</script>")
    assert (other.base, other.words) == ("stable-diffusion-xl-v1-base/lora", ["red kite", "sky"])


def test_endless_hints_are_cut_between_words(checkpoint):
    metadata = {"ss_tag_frequency": json.dumps({"folder": {f"{number}{'x' * 180}": 1 for number in range(10)}})}
    register_lora(lora_file(1, metadata), "kites")
    assert {len(word) for word in Lora.objects.get().words} == {181}


@pytest.mark.parametrize("name", ["", "a:b", "<lora>", "a/b", "x" * 101, "a\nb", '"', " kites"])
def test_a_name_that_requests_cannot_say_is_refused(checkpoint, name):
    with pytest.raises(LoraUnusable, match="The name:") as refusal:
        register_lora(lora_file(), name)
    assert refusal.value.code == "invalid_value"
    assert not Lora.objects.exists()


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("Kites-v1.5 (red).safetensors", "Kites-v1.5 (red)"),
        ("a:b<c>.safetensors", "a b c"),
        ("__.safetensors", "__"),
        ("змей.safetensors", "змей"),
        ("!!!", "lora"),
        ("x" * 200, "x" * 100),
    ],
)
def test_a_files_own_name_becomes_one_that_requests_can_say(checkpoint, file_name, name):
    assert lora_name(file_name) == name
    assert register_lora(lora_file(), name)[0].lora.name == name


def test_two_tenants_may_have_the_same_file_and_name_and_share_nothing(alice, charlie, shelve):
    hers, theirs = shelve("kites", tenant=alice.tenant), shelve("kites", tenant=charlie.tenant)
    assert hers != theirs
    assert {hers.blob.split("/")[1], theirs.blob.split("/")[1]} == {alice.tenant.pk, charlie.tenant.pk}


def test_a_lora_that_nobody_used_goes_with_its_files(shelve):
    version = shelve("kites")
    assert remove_lora(version.lora)
    assert not storages["weights"].exists(version.blob)
    assert not LoraVersion.objects.exists()


def test_a_withdrawn_lora_comes_back_with_its_file(alice, shelve):
    version = shelve("kites")
    alice.api.post("/api/v1/generations", {"prompt": "a red kite", "loras": [{"name": "kites"}]})
    assert not remove_lora(version.lora)
    assert not Lora.objects.usable_by(alice.tenant).exists()
    shelve("kites")
    assert Lora.objects.usable_by(alice.tenant).exists()


def test_a_lost_file_is_healed_by_installing_it_again(shelve):
    version = shelve("kites")
    local_path(version).unlink()
    shelve("kites")
    assert local_path(version).is_file()


def test_a_file_is_as_large_as_it_says_and_two_gib_at_most(checkpoint):
    class Large(io.BytesIO):
        def seek(self, *place):
            return 2 * 1024**3 + 1

    with pytest.raises(LoraUnusable) as refusal:
        register_lora(Large(), "large")
    assert refusal.value.code == "file_too_large"
