"""What an operator puts on the shelf and takes off it in the console."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from loras.models import Checkpoint, ControlNet, Lora
from loras.services import place_checkpoint
from tests.loras.test_commands import BROKEN, checkpoint_folder, controlnet_folder
from tests.shelf import lora_file

ADD = "/admin/loras/lora/add/"
INLINE = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}


def upload(content, name="red kites.safetensors"):
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.read())


def add(operator, content, **fields):
    return operator.post(ADD, {"file": upload(content), **fields}, follow=True)


def act(operator, kind, action, *rows):
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    return operator.post(f"/admin/loras/{kind}/", form, follow=True).content.decode()


def test_a_file_is_put_on_the_shelf_and_shows_its_hashes(operator, checkpoint):
    add(operator, lora_file(), trigger_words="red kite, sky", license="CC0")
    lora = Lora.objects.get()
    version = lora.versions.get()
    assert (lora.name, lora.words, lora.license, lora.tenant) == ("red kites", ["red kite", "sky"], "CC0", None)
    page = operator.get(f"/admin/loras/lora/{lora.pk}/change/").content.decode()
    told = [version.sha256, version.autov1, version.autov2, version.autov3[:12], version.crc32]
    assert [hash for hash in told if hash not in page] == []


def test_a_file_may_be_for_one_tenant_alone(operator, alice, charlie):
    add(operator, lora_file(), tenant=alice.tenant.pk, name="ours")
    assert Lora.objects.usable_by(alice.tenant).get().name == "ours"
    assert not Lora.objects.usable_by(charlie.tenant).exists()


def test_another_file_is_the_next_version(operator, shelve):
    lora = shelve("kites", 1, license="CC0").lora
    form = {"file": upload(lora_file(2)), "title": "Red kites", "license": "CC0"}
    operator.post(f"/admin/loras/lora/{lora.pk}/change/", form | INLINE)
    lora.refresh_from_db()
    assert [version.number for version in lora.newest_first] == [2, 1]
    assert (lora.title, lora.license) == ("Red kites", "CC0")


def test_a_name_that_is_taken_leads_to_the_loras_own_page(operator, alice, shelve):
    shelve("kites", 1)
    shelve("kites", 2, tenant=alice.tenant)
    for tenant in ("", alice.tenant.pk):
        form = add(operator, lora_file(3), name="kites", tenant=tenant).context["adminform"].form
        assert form.non_field_errors() == [
            "There is a LoRA of this name. Its own page takes the file of its next version."
        ]


def test_what_is_said_of_a_lora_is_changed_without_a_file(operator, shelve):
    lora = shelve("kites", title="Kites").lora
    operator.post(f"/admin/loras/lora/{lora.pk}/change/", {"title": "", "tags": "birds"} | INLINE)
    lora.refresh_from_db()
    assert (lora.name, lora.title, lora.tag_list, lora.versions.count()) == ("kites", "", ["birds"], 1)


def test_a_file_that_is_there_is_told(operator, shelve):
    shelve("kites")
    page = add(operator, lora_file(), name="others").content.decode()
    assert "This file is on the shelf already: kites v1." in page
    assert Lora.objects.count() == 1


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_lora_is_refused_beside_the_field(operator, checkpoint, what):
    content, sentence = BROKEN[what]
    answer = add(operator, content or b" ")
    (error,) = answer.context["adminform"].form.errors["file"]
    assert re.search(sentence, error)
    assert not Lora.objects.exists()


@pytest.mark.parametrize("name", ["a:b", "<lora>", "x" * 101])
def test_a_name_that_requests_cannot_say_is_refused_beside_the_field(operator, checkpoint, name):
    assert "name" in add(operator, lora_file(), name=name).context["adminform"].form.errors
    assert not Lora.objects.exists()


def test_nothing_comes_without_a_file(operator, checkpoint):
    assert "file" in operator.post(ADD, {"name": "kites"}).context["adminform"].form.errors


def test_a_full_store_is_told_in_a_sentence(operator, checkpoint, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("where a folder should be")
    settings.STORAGES = settings.STORAGES | {"weights": settings.WEIGHTS | {"OPTIONS": {"location": blocked}}}
    answer = add(operator, lora_file())
    assert answer.status_code == 503
    assert "The weights store is full or out of reach." in answer.content.decode()
    assert not Lora.objects.exists()


def test_an_unused_lora_is_removed_and_a_used_one_withdrawn(operator, alice, shelve, run_jobs):
    unused, used = shelve("unused", 1).lora, shelve("used", 2).lora
    alice.api.post("/api/v1/generations", {"prompt": "a kite", "size": "64x64", "loras": [{"name": "used"}]})
    page = act(operator, "lora", "remove", unused, used)
    assert "unused is removed." in page
    assert "used is withdrawn: no request finds it." in page
    assert list(Lora.objects.all()) == [used]
    run_jobs()
    assert alice.api.get("/api/v1/generations").json()["data"][0]["status"] == "succeeded"


def test_a_lora_is_never_deleted_by_the_usual_button(operator, shelve):
    lora = shelve("kites").lora
    assert operator.post(f"/admin/loras/lora/{lora.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in operator.get("/admin/loras/lora/").content.decode()


def test_a_list_costs_the_same_queries_however_long(operator, shelve, django_assert_max_num_queries):
    for number in range(5):
        shelve(f"lora {number}", number + 1)
    with django_assert_max_num_queries(9):
        assert operator.get("/admin/loras/lora/").status_code == 200


def defaults(**fields):
    return {"width": "1024", "height": "1024", "steps": "30", "guidance_scale": "7.5",
            "scheduler": "EulerDiscreteScheduler", **fields}  # fmt: skip


def test_a_checkpoint_is_installed_after_a_look_at_it(operator, checkpoint, tmp_path):
    folder = checkpoint_folder(tmp_path / "polish", text_encoder=(None, None), cross_attention_dim=1280)
    operator.post("/admin/loras/checkpoint/add/", defaults(name="polish", source=str(folder)))
    assert Checkpoint.objects.get(name="polish").kind == "refiner"
    answer = operator.post("/admin/loras/checkpoint/add/", defaults(name="wrong", source=str(tmp_path)))
    assert "no model_index.json" in answer.context["adminform"].form.errors["source"][0]


def test_another_base_is_made_the_default_and_a_refiner_is_not(operator, checkpoint):
    base, _ = place_checkpoint("other", "other")
    refiner, _ = place_checkpoint("polish", "polish", kind="refiner")
    act(operator, "checkpoint", "use_by_default", base)
    assert "Choose one base checkpoint." in act(operator, "checkpoint", "use_by_default", refiner)
    assert Checkpoint.objects.get(is_default=True) == base


def test_a_controlnet_is_installed_after_a_look_at_it(operator, checkpoint, tmp_path):
    folder = controlnet_folder(tmp_path / "edges")
    form = {"name": "edges", "kind": "canny", "source": str(folder)}
    operator.post("/admin/loras/controlnet/add/", form)
    assert len(ControlNet.objects.get().sha256) == 64
    answer = operator.post("/admin/loras/controlnet/add/", form | {"name": "wrong", "source": str(tmp_path)})
    assert "no config.json" in answer.context["adminform"].form.errors["source"][0]
