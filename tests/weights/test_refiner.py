"""A refiner is loaded with what it has, or refused in a sentence that says what is wrong with it."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from loras.weights.errors import CheckpointUnusable
from loras.weights.refiner import load_refiner, read_refiner, refuse_other_base
from tests.weights.tiny_others import make_tiny_refiner

CPU = torch.device("cpu")
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path):
    return make_tiny_refiner(tmp_path / "refiner")


def refusal(folder):
    with pytest.raises(CheckpointUnusable) as refused:
        load_refiner(str(folder), CPU)
    return str(refused.value)


def edit(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_refiner_with_parts_of_its_own(folder, sdxl):
    refiner = load_refiner(str(folder), CPU)
    assert (refiner.name, len(refiner.sha256), len(refiner.modules)) == ("refiner", 64, 3)
    assert not any(weight.requires_grad for module in refiner.modules for weight in module.parameters())
    assert refiner.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    refuse_other_base(refiner, sdxl)


def test_a_refiner_that_shares_the_bases_parts(tmp_path, sdxl):
    refiner = load_refiner(str(make_tiny_refiner(tmp_path, shares=True)), CPU)
    assert (refiner.vae, refiner.text_encoder_2, refiner.tokenizer_2) == (None, None, None)
    refuse_other_base(refiner, sdxl)


def test_the_one_that_ships_says_itself_what_it_shares():
    refiner = load_refiner(str(Path(__file__).parents[2] / "checkpoints" / "mini-refiner"), CPU)
    assert (refiner.vae, refiner.text_encoder_2, refiner.tokenizer_2) == (None, None, None)


def test_a_vae_that_overflows_stays_in_full_precision(folder):
    edit(folder / "vae/config.json", force_upcast=True)
    refiner = read_refiner(str(folder), torch.float16)
    assert [module.dtype for module in refiner.modules] == [torch.float16, torch.float32, torch.float16]


def test_a_base_is_no_refiner(tiny):
    assert "two text encoders" in refusal(tiny)


def test_a_bases_unet_is_no_refiners(folder, tiny):
    shutil.rmtree(folder / "unet")
    shutil.copytree(tiny / "unet", folder / "unet")
    assert "conditioned as a base checkpoint" in refusal(folder)


def test_another_kind_of_pipeline_is_refused(folder):
    edit(folder / "model_index.json", _class_name="FluxPipeline")
    assert "holds a FluxPipeline" in refusal(folder)


def test_a_folder_of_something_else_is_refused(tmp_path):
    assert "has no model_index.json" in refusal(tmp_path)


def test_a_missing_tensor_is_named(folder):
    tensors = load_file(folder / UNET)
    tensors.pop("conv_out.weight")
    save_file(tensors, folder / UNET, metadata={"format": "pt"})
    assert "lacks conv_out.weight" in refusal(folder)


def test_a_truncated_file_is_refused(folder):
    (folder / UNET).write_bytes((folder / UNET).read_bytes()[:5000])
    assert "cannot be read" in refusal(folder)


def test_pickled_weights_are_not_read(folder):
    (folder / UNET).rename(folder / "unet/diffusion_pytorch_model.bin")
    assert "pickled weights are not read" in refusal(folder)


def test_an_incomplete_tokenizer_is_refused(folder):
    shutil.rmtree(folder / "tokenizer_2")
    assert "refiner" in refusal(folder)


def test_a_refiner_for_another_base_is_refused(folder, sdxl):
    refiner = load_refiner(str(folder), CPU)
    refiner.unet.register_to_config(cross_attention_dim=1280)
    with pytest.raises(CheckpointUnusable, match="text embeddings of width 1280, the text encoder gives 48"):
        refuse_other_base(refiner, sdxl)
