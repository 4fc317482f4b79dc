"""A ControlNet is loaded, or refused in a sentence that says what is wrong with it."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from loras.weights.controlnet import load_controlnet, read_controlnet, refuse_other_base
from loras.weights.errors import CheckpointUnusable
from tests.weights.tiny_others import make_tiny_controlnet, tiny_refiner_unet

CPU = torch.device("cpu")
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path):
    return make_tiny_controlnet(tmp_path / "canny")


def refusal(folder):
    with pytest.raises(CheckpointUnusable) as refused:
        load_controlnet(str(folder), CPU)
    return str(refused.value)


def edit(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_controlnet_for_this_base(folder, sdxl):
    controlnet = load_controlnet(str(folder), CPU)
    assert controlnet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert not any(weight.requires_grad for weight in controlnet.parameters())
    refuse_other_base(controlnet, sdxl)


def test_half_precision_and_half_precision_files(folder):
    (folder / WEIGHTS).rename(folder / "diffusion_pytorch_model.fp16.safetensors")
    assert read_controlnet(str(folder), torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize("nowhere", ["nowhere", "/nowhere/at/all"])
def test_a_missing_folder_is_not_looked_for_on_the_hub(nowhere):
    assert "There is no ControlNet at" in refusal(nowhere)


def test_a_union_of_controlnets_is_refused(folder):
    edit(folder / "config.json", _class_name="ControlNetUnionModel")
    assert "holds a ControlNetUnionModel" in refusal(folder)


def test_a_controlnet_for_stable_diffusion_1_is_refused(folder):
    edit(folder / "config.json", addition_embed_type=None)
    assert "another model than SDXL" in refusal(folder)


def test_a_missing_tensor_is_named(folder):
    tensors = load_file(folder / WEIGHTS)
    tensors.pop("conv_in.weight")
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    assert "lacks conv_in.weight" in refusal(folder)


def test_a_truncated_file_is_refused(folder):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:5000])
    assert "cannot be read" in refusal(folder)


def test_pickled_weights_are_not_read(folder):
    (folder / WEIGHTS).rename(folder / "diffusion_pytorch_model.bin")
    assert "pickled weights are not read" in refusal(folder)


def test_a_controlnet_for_another_base_is_refused(folder, sdxl):
    controlnet = load_controlnet(str(folder), CPU)
    with pytest.raises(CheckpointUnusable, match="does not fit the checkpoint tiny: its cross_attention_dim is 80"):
        refuse_other_base(controlnet, replace(sdxl, unet=tiny_refiner_unet()))
