"""What an operator installs from the command line, and the sentence for each file that is none."""

import json
import pickle
import zipfile

import pytest
from django.core.management import CommandError, call_command

from loras.models import Checkpoint, ControlNet, Lora, LoraVersion
from tests.shelf import lora_at
from tests.weights.broken_files import file_of, pair, tensor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def install(capsys):
    """Run a command and return its one line."""

    def run(*command):
        call_command(*map(str, command))
        return capsys.readouterr().out.strip()

    return run


def test_a_lora_is_installed_and_says_so(checkpoint, install, tmp_path):
    said = install(
        "install_lora", lora_at(tmp_path / "red kites.safetensors"), "--trigger", "red kite", "--trigger", "sky",
        "--title", "Red kites", "--tag", "birds", "--license", "CC0",
    )  # fmt: skip
    version = LoraVersion.objects.get()
    assert said == f"Installed LoRA red kites, version 1 (rank 4, 0.0 MB, AutoV2 {version.autov2})."
    assert (version.lora.words, version.lora.license, version.lora.tenant) == (["red kite", "sky"], "CC0", None)


def test_installing_again_is_no_harm_and_another_file_is_the_next_version(checkpoint, install, tmp_path):
    one, two = lora_at(tmp_path / "one.safetensors", 1), lora_at(tmp_path / "two.safetensors", 2)
    install("install_lora", one, "--name", "kites")
    assert install("install_lora", one).startswith("Already there: LoRA kites, version 1 ")
    assert install("install_lora", two, "--name", "kites").startswith("Installed LoRA kites, version 2 ")


def length(number):
    return number.to_bytes(8, "little")


def overlapping():
    return {name: each | {"data_offsets": [0, 64]} for name, each in pair().items()}


def sd1():
    return pair(name="lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q")


BROKEN = {
    # what, its bytes, the sentence
    "a pickle": (pickle.dumps({"state_dict": [1.0] * 100}), "Only safetensors files are read"),
    "an empty file": (b"", "is not a valid safetensors file"),
    "a header of 2^63": (length(2**63) + b"{" * 100, "longer than the file"),
    "a header of 100,000,001": (length(100_000_001) + b"{}", "longer than the file"),
    "a header of 8 MiB + 1": (length(8 * 2**20 + 1) + b"{}" + b" " * (8 * 2**20), "are read"),
    "one byte short": (file_of(pair()).read()[:-1], "it is cut short"),
    "one byte long": (file_of(pair()).read() + b"x", "data follows its last tensor"),
    "overlap": (file_of(overlapping()).read(), "overlap or leave a gap"),
    "a shape too large": (file_of({"x.lora_up.weight": tensor(0, 2, [2**63])}).read(), "small lists of whole numbers"),
    "a key twice": (file_of(b'{"a":{},"a":{}}').read(), "is not plain JSON"),
    "20,001 tensors": (file_of({f"{n}": tensor(0, 0, [0]) for n in range(20_001)}).read(), "no LoRA needs as many"),
    "a wide dtype": (file_of(pair(dtype="F64", size=8)).read(), "F16, BF16 or F32, this file's F64"),
    "whole numbers": (file_of(pair(dtype="I64", size=8)).read(), "F16, BF16 or F32, this file's I64"),
    "NaN": (file_of(pair(), b"\xff\xff" * 64).read(), "NaN or infinite"),
    "infinity": (file_of(pair(), b"\x00\x7c" * 64).read(), "NaN or infinite"),
    "rank 4,096": (file_of(pair(rank=4096)).read(), "rank 4096; at most 1024"),
    "Stable Diffusion 1": (file_of(sd1()).read(), "does not fit SDXL"),
    "no LoRA": (file_of({"weight": tensor(0, 2, [1])}).read(), "holds no LoRA"),
    "metadata of 9 MB": (file_of({"__metadata__": {"x": "y" * 9_000_000}, **pair()}).read(), "are read"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_lora_is_refused_in_a_sentence(checkpoint, tmp_path, what):
    content, sentence = BROKEN[what]
    file = tmp_path / "broken.safetensors"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=f"^broken.safetensors is not installed: .*{sentence}"):
        call_command("install_lora", file)
    assert not Lora.objects.exists()


def test_torchs_zip_is_refused(checkpoint, tmp_path):
    with zipfile.ZipFile(tmp_path / "torch.safetensors", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1.0]))
    with pytest.raises(CommandError, match="never pickles or archives"):
        call_command("install_lora", tmp_path / "torch.safetensors")


def test_a_missing_file_and_a_bad_name_are_told(checkpoint, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("install_lora", tmp_path / "none.safetensors")
    with pytest.raises(CommandError, match="The name: A name has letters"):
        call_command("install_lora", lora_at(tmp_path / "a.safetensors"), "--name", "a:b")


def test_markup_in_the_metadata_is_only_text(alice, install, tmp_path):
    file = lora_at(tmp_path / "kites.safetensors", metadata={"modelspec.title": "<script>alert(1)</script>"})
    install("install_lora", file)
    page = alice.browser.post("/loras", {"find": "kites"}).content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def checkpoint_folder(folder, name="StableDiffusionXLPipeline", text_encoder=("transformers", "CLIPTextModel"), **unet):
    """Lay out a diffusers folder whose UNet holds one number."""
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": name, "text_encoder": text_encoder}))
    config = {"in_channels": 4, "cross_attention_dim": 2048, "addition_embed_type": "text_time", "sample_size": 128}
    (folder / "unet" / "config.json").write_text(json.dumps(config | unet))
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(file_of({"conv_in.bias": tensor(0, 2, [1])}).read())
    return folder


def test_a_checkpoint_is_installed_beside_the_default(checkpoint, install, tmp_path):
    folder = checkpoint_folder(tmp_path / "large")
    assert install("install_checkpoint", folder) == f"Installed base checkpoint large: {folder}."
    row = Checkpoint.objects.get(name="large")
    assert (row.kind, row.context_width, row.width, row.is_default) == ("base", 2048, 1024, False)
    assert install("install_checkpoint", folder).startswith("Updated")


def test_a_checkpoint_becomes_the_default_and_says_for_how_long(checkpoint, install, tmp_path):
    said = install("install_checkpoint", checkpoint_folder(tmp_path / "large"), "--name", "big", "--default")
    assert "with DARKROOM_CHECKPOINT=" in said
    assert Checkpoint.objects.get(is_default=True).name == "big"


def test_a_refiner_is_known_and_is_no_default(checkpoint, install, tmp_path):
    folder = checkpoint_folder(tmp_path / "polish", text_encoder=(None, None), cross_attention_dim=1280)
    assert install("install_checkpoint", folder).startswith("Installed refiner checkpoint polish")
    with pytest.raises(CommandError, match="is a refiner"):
        call_command("install_checkpoint", folder, "--default")


def test_a_single_file_is_known_by_its_tensors(checkpoint, install, tmp_path):
    names = ("model.diffusion_model.input_blocks.0.0.weight", "conditioner.embedders.1.model.text_projection")
    file = tmp_path / "large.safetensors"
    file.write_bytes(file_of({name: tensor(2 * n, 2 * n + 2, [1]) for n, name in enumerate(names)}).read())
    assert install("install_checkpoint", file) == f"Installed base checkpoint large: {file}."
    assert Checkpoint.objects.get(name="large").context_width == 2048


def test_a_hub_id_is_taken_at_its_word(checkpoint, install):
    said = install("install_checkpoint", "stabilityai/sdxl-turbo")
    assert said == "Installed base checkpoint sdxl-turbo: stabilityai/sdxl-turbo."


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "FluxPipeline"}, "holds a FluxPipeline, not an SDXL"),
        ({"in_channels": 9}, "takes 9 input channels"),
        ({"addition_embed_type": None, "cross_attention_dim": 768}, "made for Stable Diffusion 1"),
        ({"cross_attention_dim": [2048]}, "does not say for how wide a text"),
    ],
)
def test_a_folder_that_is_no_sdxl_is_refused(checkpoint, tmp_path, wrong, sentence):
    folder = checkpoint_folder(tmp_path / "wrong", **wrong)
    with pytest.raises(CommandError, match=sentence):
        call_command("install_checkpoint", folder)
    assert Checkpoint.objects.count() == 1


def test_a_checkpoint_with_torn_or_pickled_weights_is_refused(checkpoint, tmp_path):
    folder = checkpoint_folder(tmp_path / "torn")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CommandError, match="it is cut short"):
        call_command("install_checkpoint", folder)
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(CommandError, match="pickled weights are not read"):
        call_command("install_checkpoint", folder)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [("no/such/folder", "There is no checkpoint at"), ("nothing", "There is no checkpoint"), (".", "no model_index")],
)
def test_a_source_that_is_not_there_is_told(checkpoint, source, sentence, tmp_path):
    with pytest.raises(CommandError, match=sentence):
        call_command("install_checkpoint", source if source != "." else tmp_path)


def controlnet_folder(folder, **config):
    folder.mkdir()
    told = {"_class_name": "ControlNetModel", "cross_attention_dim": 2048, "addition_embed_type": "text_time"}
    (folder / "config.json").write_text(json.dumps(told | config))
    weights = file_of({"conv_in.bias": tensor(0, 2, [1])}).read()
    (folder / "diffusion_pytorch_model.safetensors").write_bytes(weights)
    return folder


def test_a_controlnet_is_installed_with_its_kind_guessed(checkpoint, install, tmp_path):
    folder = controlnet_folder(tmp_path / "controlnet-canny-sdxl-1.0")
    assert install("install_controlnet", folder) == f"Installed ControlNet controlnet-canny-sdxl-1.0: canny, {folder}."
    row = ControlNet.objects.get()
    assert (row.kind, row.context_width, len(row.sha256)) == ("canny", 2048, 64)
    assert install("install_controlnet", folder, "--kind", "depth").startswith("Updated ControlNet")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sdxl_OpenPose", "openpose"), ("dw-pose", "openpose"), ("soft-edge-hed", "softedge"), ("mine", "other")],
)
def test_kinds_are_guessed_from_names(checkpoint, install, tmp_path, name, kind):
    install("install_controlnet", controlnet_folder(tmp_path / name))
    assert ControlNet.objects.get().kind == kind


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"_class_name": "ControlNetUnionModel"}, "holds a ControlNetUnionModel"),
        ({"cross_attention_dim": 768, "addition_embed_type": None}, "made for Stable Diffusion 1"),
    ],
)
def test_what_is_no_controlnet_for_sdxl_is_refused(checkpoint, tmp_path, wrong, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("install_controlnet", controlnet_folder(tmp_path / "wrong", **wrong))
    with pytest.raises(CommandError, match=r"no config\.json"):
        call_command("install_controlnet", tmp_path)
    assert not ControlNet.objects.exists()
